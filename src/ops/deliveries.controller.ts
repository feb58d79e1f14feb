import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { apiQuery, apiSchema, BearerGuard, expectNothing, parse, problemResponses, RequireScope } from '../http';
import { DeliveryRecords, DeliveryReplay, PLANNED, replayMax } from '../notifications';
import { Clock, type Signal } from '../platform';
import { Refused } from '../refusals';
import {
  clientId,
  deliveriesQuery,
  deliveryItem,
  deliveryPlace,
  pagedDeliveries,
  toDeliveryItem,
} from './delivery-item';
import { type ListPage, pageOf } from './list-page';
import { Audited, tell } from './operators-audit';
import { reasonText } from './operators-reason';

const replayRequest = z
  .strictObject({
    since: z.iso.datetime(),
    until: z.iso.datetime().optional(),
    client_id: clientId.optional(),
    dry_run: z.boolean().default(false),
    reason_text: reasonText,
  })
  .refine(({ since, until }) => until === undefined || Date.parse(since) < Date.parse(until), {
    path: ['until'],
    message: 'must be later than since',
  });
const replayAnswer = z.strictObject({ matched: z.int().min(0), replayed: z.int().min(0) });

/** What operators ask about notifications, and the retry of dead ones. */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api/deliveries')
@UseGuards(BearerGuard)
export class DeliveriesController {
  constructor(
    @Inject(DeliveryRecords) private readonly deliveries: DeliveryRecords,
    @Inject(DeliveryReplay) private readonly dead: DeliveryReplay,
    @Inject(PLANNED) private readonly planned: Signal,
    @Inject(Clock) private readonly clock: Clock,
  ) {}

  @Get()
  @RequireScope('ops:read')
  @ApiOperation({ summary: 'Deliveries, newest first' })
  @apiQuery(deliveriesQuery)
  @ApiResponse({ status: 200, description: 'One page', schema: apiSchema(pageOf(deliveryItem)) })
  @problemResponses(400, 401, 403, 503)
  async list(@Query() query: unknown): Promise<ListPage<z.output<typeof deliveryItem>>> {
    const { limit, after, ...filter } = parse(deliveriesQuery, query);
    return pagedDeliveries(
      await this.deliveries.list(filter, after === undefined ? undefined : deliveryPlace(after), limit + 1),
      limit,
    );
  }

  @Post(':id/retry')
  @Audited('delivery.retry')
  @HttpCode(202)
  @RequireScope('ops:write')
  @ApiOperation({ summary: 'Put a dead delivery back into the queue' })
  @ApiResponse({ status: 202, description: 'It waits for its turn', schema: apiSchema(deliveryItem) })
  @problemResponses(400, 401, 403, 404, 409, 503)
  async retry(
    @Param('id') id: string,
    @Query() query: unknown,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<z.output<typeof deliveryItem>> {
    expectNothing(query, body);
    const isId = z.uuid().safeParse(id).success;
    if (isId) tell(request, { details: { delivery_id: id } });
    const retried = isId ? await this.dead.retry(id, this.clock.now()) : undefined;
    if (!retried) throw new Refused('not_found', 'There is no such delivery.');
    if (retried === 'not_retryable') {
      throw new Refused(
        'not_retryable',
        'The delivery is not dead, or a newer state of its subscription has been planned since.',
      );
    }
    this.planned.raise();
    tell(request, { subscription_id: retried.subscription_id, client_id: retried.client_id });
    return toDeliveryItem(retried);
  }

  @Post('replay')
  @Audited('delivery.replay')
  @HttpCode(202)
  @RequireScope('ops:write')
  @ApiOperation({
    summary: `Put dead deliveries back into the queue, by when they were planned; up to ${replayMax} in one request`,
  })
  @ApiBody({ schema: apiSchema(replayRequest) })
  @ApiResponse({
    status: 202,
    description:
      'How many are dead there, and how many of them go out again, or would after a dry run; the others have been superseded',
    schema: apiSchema(replayAnswer),
  })
  @problemResponses(400, 401, 403, 413, 415, 503)
  async replay(
    @Query() query: unknown,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<z.output<typeof replayAnswer>> {
    expectNothing(query);
    const { since, until, client_id: clientId, dry_run: isDryRun, reason_text } = parse(replayRequest, body);
    const range = { since: new Date(since), ...(until && { until: new Date(until) }), ...(clientId && { clientId }) };
    tell(request, { reason_text, client_id: clientId, details: { since, until, dry_run: isDryRun } });
    const answer = await this.dead.replay(range, isDryRun, this.clock.now());
    tell(request, { details: answer });
    if (!isDryRun) this.planned.raise();
    return answer;
  }
}
