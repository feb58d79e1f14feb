import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  apiQuery,
  apiSchema,
  BearerGuard,
  expectNothing,
  parse,
  problemResponses,
  RequireScope,
  traceOf,
} from '../http';
import { DeliveryRecords } from '../notifications';
import { Clock, LOGGER, type Logger } from '../platform';
import { Refused } from '../refusals';
import { deliveriesQuery, deliveryItem, deliveryPlace, pagedDeliveries, toDeliveryItem } from './delivery-item';
import { type ListPage, pageOf } from './list-page';

/** What operators ask about notifications, and the retry of dead ones. */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api/deliveries')
@UseGuards(BearerGuard)
export class DeliveriesController {
  constructor(
    @Inject(DeliveryRecords) private readonly deliveries: DeliveryRecords,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
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
    const retried = z.uuid().safeParse(id).success ? await this.deliveries.retryDead(id, this.clock.now()) : undefined;
    if (!retried) throw new Refused('not_found', 'There is no such delivery.');
    if (retried === 'not_retryable') {
      throw new Refused(
        'not_retryable',
        'The delivery is not dead, or a newer state of its subscription has been planned since.',
      );
    }
    this.log.info({ ...traceOf(request), delivery_id: id }, 'delivery.retry_asked');
    return toDeliveryItem(retried);
  }
}
