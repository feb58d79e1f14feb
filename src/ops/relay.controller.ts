import { Body, Controller, HttpCode, Inject, Post, Query, Req, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { apiSchema, BearerGuard, expectNothing, problemResponses, RequireScope } from '../http';
import { type Published, RelayCheck } from '../relay';
import { Audited, tell } from './operators-audit';

const published = z.strictObject({
  checked: z.int().min(0).meta({ description: 'The newest published events of the last 24 hours, at most 500.' }),
  missing: z.array(z.strictObject({ event_id: z.uuid(), topic: z.string() })),
});

/** Whether what was published is on Kafka. */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api/relay')
@UseGuards(BearerGuard)
@RequireScope('ops:write')
export class RelayController {
  constructor(@Inject(RelayCheck) private readonly check: RelayCheck) {}

  @Post('verify')
  @Audited('relay.verify')
  @HttpCode(200)
  @ApiOperation({ summary: 'Look on Kafka for the newest events that the log says are published' })
  @ApiResponse({ status: 200, description: 'What was found', schema: apiSchema(published) })
  @problemResponses(400, 401, 403, 503)
  async verify(@Query() query: unknown, @Body() body: unknown, @Req() request: FastifyRequest): Promise<Published> {
    expectNothing(query, body);
    const found = await this.check.compare();
    tell(request, { details: { checked: found.checked, missing: found.missing.length } });
    return found;
  }
}
