import { Controller, Get, Inject, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { LogAccess, type LogHold, LogWatch } from '../event-store';
import { apiSchema, BearerGuard, expectNothing, problemResponses, RequireScope } from '../http';
import { DeliveryRecords, deliveryStates } from '../notifications';
import { Clock } from '../platform';
import { ProjectionOperations, SubscriptionViewStore } from '../projections';
import { relayReader } from '../relay';
import { dateOf } from '../subscriptions';
import { subscriptionStatus } from './subscription-item';

const count = z.int().min(0);
const lag = z.strictObject({ lag_events: count, lag_s: z.number().min(0) });

const holder = z.strictObject({
  database: z.string().nullable(),
  pid: z.int().nullable(),
  prepared: z.string().nullable(),
  age_s: z.int().min(0),
  query_start: z.iso.datetime().nullable(),
  state: z.string().nullable(),
  application_name: z.string().nullable(),
});

const statistics = z.strictObject({
  subscriptions: z.record(subscriptionStatus, count),
  deliveries: z.record(z.enum(deliveryStates), count),
  relay: lag,
  projections: z.record(z.string(), lag),
  log_held_by: holder.nullable(),
});

/** The figures of the whole service in one answer. */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api/stats')
@UseGuards(BearerGuard)
@RequireScope('ops:read')
export class StatsController {
  constructor(
    @Inject(SubscriptionViewStore) private readonly views: SubscriptionViewStore,
    @Inject(DeliveryRecords) private readonly deliveries: DeliveryRecords,
    @Inject(ProjectionOperations) private readonly projections: ProjectionOperations,
    @Inject(LogAccess) private readonly log: LogAccess,
    @Inject(LogWatch) private readonly watch: LogWatch,
    @Inject(Clock) private readonly clock: Clock,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'How much there is of everything, how far behind the readers of the log are, and who holds it back',
  })
  @ApiResponse({ status: 200, description: 'The figures', schema: apiSchema(statistics) })
  @problemResponses(400, 401, 403, 503)
  async all(@Query() query: unknown): Promise<z.output<typeof statistics>> {
    expectNothing(query);
    const [subscriptions, deliveries, relay, projections] = await Promise.all([
      this.views.countByStatus(dateOf(this.clock.now())),
      this.deliveries.countByState(),
      this.lagOf(relayReader),
      this.projections.all(),
    ]);
    const hold = this.watch.heldBy();
    return {
      subscriptions,
      deliveries,
      relay,
      projections: Object.fromEntries(projections.map(({ name, lag_events, lag_s }) => [name, { lag_events, lag_s }])),
      log_held_by: hold === undefined ? null : toHolder(hold),
    };
  }

  private async lagOf(reader: string): Promise<z.output<typeof lag>> {
    const { events, seconds } = await this.log.lagOf(reader);
    return { lag_events: events, lag_s: seconds };
  }
}

function toHolder({ query_start, ...hold }: LogHold): z.output<typeof holder> {
  return { ...hold, query_start: query_start?.toISOString() ?? null };
}
