import { Controller, Get, Inject, Param, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { apiQuery, apiSchema, BearerGuard, parse, problemResponses, RequireScope } from '../http';
import { DeliveryRecords } from '../notifications';
import { Clock } from '../platform';
import { type ListPlace, ProjectionWait, type SubscriptionView, SubscriptionViewStore } from '../projections';
import { Refused } from '../refusals';
import { dateOf, isSubscriptionId } from '../subscriptions';
import { deliveryItem, deliveryPlace, pagedDeliveries } from './delivery-item';
import { cursorOf, type ListPage, listPage, momentText, pageOf, partsOfCursor } from './list-page';
import { RecordedSubscriptions } from './recorded-subscriptions';
import {
  historyItem,
  historyQuery,
  subscriptionItem,
  subscriptionQuery,
  subscriptionsAsOfQuery,
  subscriptionsQuery,
  toHistoryItem,
  toSubscriptionItem,
} from './subscription-item';
import { SubscriptionsAsOf } from './subscriptions-as-of';

const listPlace = z.tuple([momentText, z.string().refine(isSubscriptionId)]);
const historyPlace = z.tuple([z.string().regex(/^[0-9]{1,9}$/)]);

function placeOf(cursor: string | undefined): ListPlace | undefined {
  if (cursor === undefined) return undefined;
  const [startedAt, subscriptionId] = partsOfCursor(cursor, listPlace);
  return { startedAt, subscriptionId };
}

/** What operators ask about subscriptions. */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api/subscriptions')
@UseGuards(BearerGuard)
@RequireScope('ops:read')
export class SubscriptionsController {
  constructor(
    @Inject(SubscriptionViewStore) private readonly views: SubscriptionViewStore,
    @Inject(ProjectionWait) private readonly projection: ProjectionWait,
    @Inject(RecordedSubscriptions) private readonly recorded: RecordedSubscriptions,
    @Inject(SubscriptionsAsOf) private readonly asOf: SubscriptionsAsOf,
    @Inject(DeliveryRecords) private readonly deliveries: DeliveryRecords,
    @Inject(Clock) private readonly clock: Clock,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Subscriptions, newest first' })
  @apiQuery(subscriptionsQuery)
  @ApiResponse({ status: 200, description: 'One page', schema: apiSchema(pageOf(subscriptionItem)) })
  @problemResponses(400, 401, 403, 503, 504)
  async list(@Query() query: unknown): Promise<ListPage<z.output<typeof subscriptionItem>>> {
    const { limit, after, wait_for: position, ...filter } = parse(subscriptionsQuery, query);
    if (position !== undefined) await this.projection.until(position);
    const rows = await this.views.list(filter, placeOf(after), limit + 1, this.today());
    return listPage(rows, limit, toSubscriptionItem, (row) => [row.place, row.subscription_id]);
  }

  @Get('as-of')
  @ApiOperation({ summary: 'Subscriptions as they stood at a moment that is over, newest first' })
  @apiQuery(subscriptionsAsOfQuery)
  @ApiResponse({ status: 200, description: 'One page', schema: apiSchema(pageOf(subscriptionItem)) })
  @problemResponses(400, 401, 403, 503, 504)
  async listAsOf(@Query() query: unknown): Promise<ListPage<z.output<typeof subscriptionItem>>> {
    const { limit, after, wait_for: position, at, ...filter } = parse(subscriptionsAsOfQuery, query);
    const moment = new Date(at);
    if (moment > this.clock.now())
      throw new Refused('malformed_request', 'at lies in the future.', [{ path: 'at', message: 'Not over yet.' }]);
    if (position !== undefined) await this.projection.until(position);
    const { views, next } = await this.asOf.page(filter, moment, placeOf(after), limit);
    return {
      items: views.map(toSubscriptionItem),
      next: next ? cursorOf([next.startedAt, next.subscriptionId]) : null,
    };
  }

  @Get(':id')
  @ApiOperation({ summary: 'One subscription' })
  @apiQuery(subscriptionQuery)
  @ApiResponse({ status: 200, description: 'The subscription', schema: apiSchema(subscriptionItem) })
  @problemResponses(400, 401, 403, 404, 503, 504)
  async one(@Param('id') id: string, @Query() query: unknown): Promise<z.output<typeof subscriptionItem>> {
    return toSubscriptionItem(await this.find(id, parse(subscriptionQuery, query).wait_for));
  }

  @Get(':id/history')
  @ApiOperation({ summary: 'The events of one subscription, oldest first, as on Kafka' })
  @apiQuery(historyQuery)
  @ApiResponse({ status: 200, description: 'One page', schema: apiSchema(pageOf(historyItem)) })
  @problemResponses(400, 401, 403, 404, 503, 504)
  async history(@Param('id') id: string, @Query() query: unknown): Promise<ListPage<z.output<typeof historyItem>>> {
    const { limit, after, wait_for: position } = parse(historyQuery, query);
    const afterVersion = after === undefined ? 0 : Number(partsOfCursor(after, historyPlace)[0]);
    await this.find(id, position);
    const events = await this.recorded.eventsOf(id, afterVersion, limit + 1);
    return listPage(events, limit, toHistoryItem, (event) => [String(event.version)]);
  }

  @Get(':id/notifications')
  @ApiOperation({ summary: 'The deliveries of one subscription, newest first' })
  @apiQuery(historyQuery)
  @ApiResponse({ status: 200, description: 'One page', schema: apiSchema(pageOf(deliveryItem)) })
  @problemResponses(400, 401, 403, 404, 503, 504)
  async notifications(
    @Param('id') id: string,
    @Query() query: unknown,
  ): Promise<ListPage<z.output<typeof deliveryItem>>> {
    const { limit, after, wait_for: position } = parse(historyQuery, query);
    const place = after === undefined ? undefined : deliveryPlace(after);
    await this.find(id, position);
    const rows = await this.deliveries.list({ subscription_id: id }, place, limit + 1);
    return pagedDeliveries(rows, limit);
  }

  private async find(id: string, position: string | undefined): Promise<SubscriptionView> {
    if (position !== undefined) await this.projection.until(position);
    const view = isSubscriptionId(id) ? await this.views.find(id, this.today()) : undefined;
    if (!view) throw new Refused('not_found', 'There is no such subscription.');
    return view;
  }

  private today(): string {
    return dateOf(this.clock.now());
  }
}
