import type { Database } from '../platform';
import type { DeliveryView } from './delivery';
import type { DeliveryRecords } from './delivery-records.store';
import { recordedColumns } from './delivery.store';
import { deadlinesS } from './retry-schedule';

/** Dead deliveries put back in one statement. */
const batchMax = 500;
/** Dead deliveries looked at for one request; who has more asks again, from where this one ended. */
export const replayMax = 50_000;

/** Which dead deliveries: by the moment at which they were planned, `until` left out. */
export interface ReplayRange {
  since: Date;
  until?: Date;
  clientId?: string;
}

interface Place {
  created_at: string;
  delivery_id: string;
}

/** Dead deliveries back into the queue, one or many, as if they were new. What a newer one stands for stays dead. */
export class DeliveryReplay {
  constructor(
    private readonly database: Database,
    private readonly records: DeliveryRecords,
  ) {}

  /**
   * Puts one back. Undefined when there is none by that id, `not_retryable` when it is not dead or a newer one of its
   * subscription has been planned since, which must not be overtaken.
   */
  async retry(deliveryId: string, now: Date): Promise<DeliveryView | 'not_retryable' | undefined> {
    const revived = await this.revive([deliveryId], now);
    const found = await this.records.find(deliveryId);
    return revived > 0 || found === undefined ? found : 'not_retryable';
  }

  /** Puts all of the range back, oldest first, in batches. A dry run only counts: `replayed` is then what would be. */
  async replay(range: ReplayRange, isDryRun: boolean, now: Date): Promise<{ matched: number; replayed: number }> {
    let matched = 0;
    let replayed = 0;
    let after: Place = { created_at: range.since.toISOString(), delivery_id: '00000000-0000-0000-0000-000000000000' };
    while (matched < replayMax) {
      const batch = await this.database.query<Place & { is_retryable: boolean }>('delivery.dead', deadSql, [
        after.created_at,
        after.delivery_id,
        range.until ?? null,
        range.clientId ?? null,
        batchMax,
      ]);
      const retryable = batch.filter(({ is_retryable }) => is_retryable).map(({ delivery_id: id }) => id);
      matched += batch.length;
      replayed += isDryRun ? retryable.length : await this.revive(retryable, now);
      if (batch.length < batchMax) break;
      after = batch.at(-1)!;
    }
    return { matched, replayed };
  }

  private async revive(ids: readonly string[], now: Date): Promise<number> {
    if (ids.length === 0) return 0;
    const { subscription, resource } = deadlinesS;
    return (await this.database.query('delivery.revive', reviveSql, [ids, now, subscription, resource])).length;
  }
}

/** Whether nothing newer stands for attempt `a` of a dead delivery, by what is known of its subscription `s`. */
const isRetryable = `
  case a.notification_type
    when 'subscription' then s.told_sequence <= a.sequence
    else s.status <> 'ended' and (s.resource_planned_at is null or s.resource_planned_at <= a.created_at) end`;

const deadSql = `
  select a.created_at::text as created_at, a.delivery_id, coalesce(${isRetryable}, false) as is_retryable
  from delivery_attempt a left join notified_subscription s on s.subscription_id = a.subscription_id
  where a.outcome = 'dead' and (a.created_at, a.delivery_id) > ($1::timestamptz, $2::uuid)
    and ($3::timestamptz is null or a.created_at < $3) and ($4::text is null or a.client_id = $4)
  order by a.created_at, a.delivery_id limit $5`;

const keptColumns = recordedColumns.filter((name) => name !== 'due_at' && name !== 'deadline_at');

/** From the log of attempts back into the queue; the row of the ending becomes one of a try among others. */
const reviveSql = `
  with revived as (
    update delivery_attempt a set outcome = 'retry'
    from notified_subscription s
    where a.delivery_id = any ($1::uuid[]) and a.outcome = 'dead' and s.subscription_id = a.subscription_id and ${isRetryable}
    returning a.*
  )
  insert into delivery (
    ${keptColumns.join(', ')}, endpoint_id, state, due_at, first_due_at, deadline_at, last_attempt_at, last_status, last_error)
  select ${keptColumns.map((name) => `r.${name}`).join(', ')}, e.endpoint_id, 'pending', $2, $2,
    $2::timestamptz + case r.notification_type when 'subscription' then $3::integer else $4::integer end * interval '1 second',
    r.at, r.status, r.error
  from revived r join notification_endpoint e
    on (e.client_id, e.service_id, e.interface_version, e.notification_type)
     = (r.client_id, r.service_id, r.interface_version, r.notification_type)
  on conflict (delivery_id) do nothing
  returning delivery_id`;
