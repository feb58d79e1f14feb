import { z } from 'zod';
import { type LogAccess, type LogHold, type LogWatch } from '../event-store';
import { type DeliveryRecords, deliveryStates } from '../notifications';
import type { Clock } from '../platform';
import type { ProjectionOperations, SubscriptionCounts } from '../projections';
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

/** How much there is of everything, how far behind the readers of the log are, and who holds it back (contract.md 4). */
export const statistics = z.strictObject({
  subscriptions: z.record(subscriptionStatus, count),
  deliveries: z.record(z.enum(deliveryStates), count),
  relay: lag,
  projections: z.record(z.string(), lag),
  log_held_by: holder.nullable(),
});

export type StatisticsAnswer = z.output<typeof statistics>;

/** Gathers the figures of the whole service. */
export class Statistics {
  constructor(
    private readonly counts: SubscriptionCounts,
    private readonly deliveries: DeliveryRecords,
    private readonly projections: ProjectionOperations,
    private readonly log: LogAccess,
    private readonly watch: LogWatch,
    private readonly clock: Clock,
  ) {}

  async all(): Promise<StatisticsAnswer> {
    const [subscriptions, rest] = await Promise.all([this.subscriptions(), this.allButSubscriptions()]);
    return { subscriptions, ...rest };
  }

  /** The one figure that takes more than a moment. */
  subscriptions(): Promise<StatisticsAnswer['subscriptions']> {
    return this.counts.byStatus(dateOf(this.clock.now()));
  }

  async allButSubscriptions(): Promise<Omit<StatisticsAnswer, 'subscriptions'>> {
    const [deliveries, lags] = await Promise.all([this.deliveries.countByState(), this.lags()]);
    const hold = this.watch.heldBy();
    return { deliveries, ...lags, log_held_by: hold === undefined ? null : toHolder(hold) };
  }

  /** How far behind the readers of the log are. */
  async lags(): Promise<Pick<StatisticsAnswer, 'relay' | 'projections'>> {
    const [relay, projections] = await Promise.all([this.lagOf(relayReader), this.projections.all()]);
    return {
      relay,
      projections: Object.fromEntries(projections.map(({ name, lag_events, lag_s }) => [name, { lag_events, lag_s }])),
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
