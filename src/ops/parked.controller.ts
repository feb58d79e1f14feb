import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type ParkedStream, ParkedStreamStore } from '../event-store';
import { apiQuery, apiSchema, BearerGuard, expectNothing, parse, problemResponses, RequireScope } from '../http';
import { Refused } from '../refusals';
import { type ListPage, listPage, momentText, pageOf, pageQuery, partsOfCursor } from './list-page';
import { Audited, tell } from './operators-audit';

/** A stream that a reader of the log skips, from `version` on: the first event that it could not apply (decided). */
const parkedItem = z.strictObject({
  id: z.uuid(),
  reader: z.string(),
  stream_id: z.uuid(),
  subscription_id: z.string().nullable(),
  version: z.int(),
  position: z.string(),
  error: z.string(),
  tries: z.int().min(1),
  parked_at: z.iso.datetime(),
  replay_asked_at: z.iso.datetime().nullable(),
});

const parkedQuery = z.strictObject(pageQuery);
const parkedPlace = z.tuple([momentText, z.uuid()]);

/** Streams that a projection or the planner stumbled over, and their replay. */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api/parked')
@UseGuards(BearerGuard)
export class ParkedController {
  constructor(@Inject(ParkedStreamStore) private readonly parked: ParkedStreamStore) {}

  @Get()
  @RequireScope('ops:read')
  @ApiOperation({ summary: 'Parked streams, newest first' })
  @apiQuery(parkedQuery)
  @ApiResponse({ status: 200, description: 'One page', schema: apiSchema(pageOf(parkedItem)) })
  @problemResponses(400, 401, 403, 503)
  async list(@Query() query: unknown): Promise<ListPage<z.output<typeof parkedItem>>> {
    const { limit, after } = parse(parkedQuery, query);
    const [parkedAt, id] = after === undefined ? [] : partsOfCursor(after, parkedPlace);
    const rows = await this.parked.list(parkedAt === undefined ? undefined : { parkedAt, id: id! }, limit + 1);
    return listPage(rows, limit, toParkedItem, (row) => [row.place, row.id]);
  }

  @Post(':id/replay')
  @Audited('parked.replay')
  @HttpCode(202)
  @RequireScope('ops:write')
  @ApiOperation({ summary: 'Try a parked stream again, from the event on at which it was parked' })
  @ApiResponse({
    status: 202,
    description: 'The reader will try it: then it is gone from the list, or has a new error',
    schema: apiSchema(parkedItem),
  })
  @problemResponses(400, 401, 403, 404, 503)
  async replay(
    @Param('id') id: string,
    @Query() query: unknown,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<z.output<typeof parkedItem>> {
    expectNothing(query, body);
    const isId = z.uuid().safeParse(id).success;
    if (isId) tell(request, { details: { parked_id: id } });
    const asked = isId ? await this.parked.askReplay(id) : undefined;
    if (!asked) throw new Refused('not_found', 'There is no such parked stream.');
    tell(request, { details: { reader: asked.reader, stream_id: asked.stream_id } });
    return toParkedItem(asked);
  }
}

function toParkedItem(parked: ParkedStream): z.output<typeof parkedItem> {
  const { id, reader, stream_id, version, position, error, tries } = parked;
  const subscriptionId = parked.data?.subscription_id;
  return {
    id,
    reader,
    stream_id,
    subscription_id: typeof subscriptionId === 'string' ? subscriptionId : null,
    version,
    position,
    error,
    tries,
    parked_at: parked.parked_at.toISOString(),
    replay_asked_at: parked.replay_asked_at?.toISOString() ?? null,
  };
}
