import { Body, Controller, HttpCode, Inject, Post, Query, Req, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { apiSchema, BearerGuard, expectNothing, parse, problemResponses, RequireScope, traceOf } from '../http';
import { resourceChange, resourceChangeAnswer } from './resource-change';
import { ResourceChanges } from './resource-changes';

/** The HTTP door for source systems. */
@ApiTags('Source system')
@ApiBearerAuth()
@Controller('resource-changes')
@UseGuards(BearerGuard)
@RequireScope('resource-changes:write')
export class ResourceChangesController {
  constructor(@Inject(ResourceChanges) private readonly changes: ResourceChanges) {}

  @Post()
  @HttpCode(202)
  @ApiOperation({ summary: 'Say that new information about a person is available: whoever subscribed is told' })
  @ApiBody({ schema: apiSchema(resourceChange) })
  @ApiResponse({
    status: 202,
    description: 'Taken in, or a repeat: the stored answer',
    schema: apiSchema(resourceChangeAnswer),
  })
  @problemResponses(400, 401, 403, 409, 413, 415, 422, 503)
  accept(
    @Body() body: unknown,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
  ): Promise<z.output<typeof resourceChangeAnswer>> {
    expectNothing(query);
    return this.changes.accept(parse(resourceChange, body), traceOf(request));
  }
}
