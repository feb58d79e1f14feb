import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { apiSchema, BearerGuard, expectNothing, problemResponses, RequireScope } from '../http';
import { ProjectionOperations, type ProjectionView } from '../projections';
import { Refused } from '../refusals';
import { Audited, tell } from './operators-audit';

/** One projection (contract.md 4). */
const projectionItem = z.strictObject({
  name: z.string(),
  version: z.int().min(1),
  position: z.string(),
  lag_events: z.int().min(0),
  lag_s: z.number().min(0),
  rebuild: z.strictObject({ version: z.int().min(1), progress: z.number().min(0).max(1) }).nullable(),
  parked: z.int().min(0),
});

/** What comparing a sample of the live version with the log found (decided). */
const comparison = z.strictObject({
  name: z.string(),
  version: z.int().min(1),
  position: z.string(),
  checked: z.int().min(0),
  differing: z.array(
    z.strictObject({
      subscription_id: z.string(),
      problem: z.enum(['differs', 'missing', 'surplus']),
      fields: z.array(z.string()),
    }),
  ),
});

const projectionName = /^[a-z][a-z_]{0,62}$/;

/** How the projections stand, and the versions of them. */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api/projections')
@UseGuards(BearerGuard)
export class ProjectionsController {
  constructor(@Inject(ProjectionOperations) private readonly projections: ProjectionOperations) {}

  @Get()
  @RequireScope('ops:read')
  @ApiOperation({ summary: 'The projections and how far they are' })
  @ApiResponse({
    status: 200,
    description: 'All projections',
    schema: apiSchema(z.strictObject({ items: z.array(projectionItem), next: z.null() })),
  })
  @problemResponses(400, 401, 403, 503)
  async all(@Query() query: unknown): Promise<{ items: ProjectionView[]; next: null }> {
    expectNothing(query);
    return { items: await this.projections.all(), next: null };
  }

  @Post(':name/rebuild')
  @Audited('projection.rebuild')
  @HttpCode(202)
  @RequireScope('ops:write')
  @ApiOperation({ summary: 'Build a new version beside the live one; it takes its place when it has caught up' })
  @ApiResponse({ status: 202, description: 'It is being built', schema: apiSchema(projectionItem) })
  @problemResponses(400, 401, 403, 404, 503)
  async rebuild(
    @Param('name') name: string,
    @Query() query: unknown,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<ProjectionView> {
    expectNothing(query, body);
    const view = known(await this.projections.rebuild(named(name)));
    tell(request, { details: { projection: name, version: view.rebuild?.version } });
    return view;
  }

  @Post(':name/switch-back')
  @Audited('projection.switch_back')
  @HttpCode(202)
  @RequireScope('ops:write')
  @ApiOperation({ summary: 'Go back to the version before; it is caught up first' })
  @ApiResponse({ status: 202, description: 'It is being caught up', schema: apiSchema(projectionItem) })
  @problemResponses(400, 401, 403, 404, 503)
  async switchBack(
    @Param('name') name: string,
    @Query() query: unknown,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<ProjectionView> {
    expectNothing(query, body);
    const asked = await this.projections.switchBack(named(name));
    if (asked === 'no_version') throw new Refused('not_found', 'There is no version to go back to.');
    const view = known(asked);
    tell(request, { details: { projection: name, version: view.rebuild?.version } });
    return view;
  }

  @Post(':name/verify')
  @Audited('projection.verify')
  @HttpCode(200)
  @RequireScope('ops:write')
  @ApiOperation({ summary: 'Compare a sample of the live version with a fresh fold of the log' })
  @ApiResponse({ status: 200, description: 'What was found', schema: apiSchema(comparison) })
  @problemResponses(400, 401, 403, 404, 503)
  async verify(
    @Param('name') name: string,
    @Query() query: unknown,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<z.output<typeof comparison>> {
    expectNothing(query, body);
    const { version, position, checked, differing } = known(await this.projections.verify(named(name)));
    tell(request, { details: { projection: name, version, checked, differing: differing.length } });
    return { name, version, position, checked, differing };
  }
}

/** @throws Refused for a text that is no name: the database would not even take some of them. */
function named(text: string): string {
  if (!projectionName.test(text)) throw noProjection();
  return text;
}

function known<Answer>(answer: Answer | undefined): Answer {
  if (answer === undefined) throw noProjection();
  return answer;
}

function noProjection(): Refused {
  return new Refused('not_found', 'There is no such projection.');
}
