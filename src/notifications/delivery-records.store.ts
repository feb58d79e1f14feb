import type { Database } from '../platform';
import { type DeliveryState, deliveryStates, type DeliveryView } from './delivery';
import { recordedColumns } from './delivery.store';
import { deadlinesS } from './retry-schedule';

const finishedStates: readonly string[] = ['delivered', 'dead', 'dropped'];

/** Both tables in the form in which operators see them: what is unfinished, and the ending of what is not. */
const sharedColumns = `delivery_id, subscription_id, client_id, notification_type, end_date::text as end_date, due_at, created_at, deadline_at`;
const unfinishedRows = `
  select ${sharedColumns}, attempts, last_attempt_at, last_status, last_error,
         case when state = 'pending' and exists (select 1 from parked_client p where p.client_id = delivery.client_id)
              then 'parked' else state end as state
  from delivery`;
const finishedRows = `
  select ${sharedColumns}, attempt as attempts, at as last_attempt_at, status as last_status, error as last_error, outcome as state
  from delivery_attempt where outcome <> 'retry'`;

/** Deliveries as operators see them, unfinished and finished ones alike, and the repair of dead ones. */
export class DeliveryRecords {
  constructor(private readonly database: Database) {}

  async find(deliveryId: string): Promise<DeliveryView | undefined> {
    const [row] = await this.database.query<DeliveryView>(
      'delivery.find',
      `select * from (${unfinishedRows} where delivery_id = $1 union all ${finishedRows} and delivery_id = $1) one limit 1`,
      [deliveryId],
    );
    return row;
  }

  /** Newest first, `limit` rows after the delivery `after` (its creation and id). */
  async list(
    filter: { state?: DeliveryState; client_id?: string; subscription_id?: string },
    after: { createdAt: string; deliveryId: string } | undefined,
    limit: number,
  ): Promise<(DeliveryView & { place: string })[]> {
    const values: unknown[] = [limit];
    const value = (content: unknown) => `$${values.push(content)}`;
    const named = (['client_id', 'subscription_id'] as const).filter((name) => filter[name] !== undefined);
    const conditions = named.map((name) => `${name} = ${value(filter[name])}`);
    if (after)
      conditions.push(
        `(created_at, delivery_id) < (${value(after.createdAt)}::timestamptz, ${value(after.deliveryId)}::uuid)`,
      );
    const { state } = filter;
    const isFinished = state !== undefined && finishedStates.includes(state);
    // Each side is cut to a page by its own index before they are merged.
    const page = (rows: string, more: readonly string[]) =>
      `(select *, created_at::text as place from (${rows}) r
        ${more.length > 0 ? `where ${more.join(' and ')}` : ''} order by created_at desc, delivery_id desc limit $1)`;
    const inState = state === undefined ? [] : [`state = ${value(state)}`];
    const sides = [
      ...(isFinished ? [] : [page(unfinishedRows, [...conditions, ...inState])]),
      ...(state === undefined || isFinished ? [page(finishedRows, [...conditions, ...inState])] : []),
    ];
    return this.database.query<DeliveryView & { place: string }>(
      `delivery.list.${[...(state === undefined ? [] : [isFinished ? 'finished' : 'unfinished']), ...named].join('.')}.${after ? 'after' : ''}`,
      `select * from (${sides.join(' union all ')}) listed order by created_at desc, delivery_id desc limit $1`,
      values,
    );
  }

  async countByState(): Promise<Record<DeliveryState, number>> {
    const rows = await this.database.query<{ state: DeliveryState; count: number }>(
      'delivery.count',
      `select state, count(*)::integer as count from (${unfinishedRows}) u group by state
       union all
       select outcome, count(*)::integer from delivery_attempt where outcome <> 'retry' group by outcome`,
    );
    const counts = Object.fromEntries(deliveryStates.map((state) => [state, 0])) as Record<DeliveryState, number>;
    for (const { state, count } of rows) counts[state] = count;
    return counts;
  }

  /** Age of the oldest notification that is not finished, in seconds, for each client that has one. */
  async oldestUndelivered(now: Date): Promise<{ client_id: string; seconds: number }[]> {
    return this.database.query<{ client_id: string; seconds: number }>(
      'delivery.oldest',
      `select client_id, greatest(0, extract(epoch from $1::timestamptz - min(created_at)))::float8 as seconds
       from delivery group by client_id`,
      [now],
    );
  }

  /**
   * Puts a dead delivery back into the queue, as if it were new. Undefined when there is none by that id, `not_retryable` when
   * it is not dead or a newer state of its subscription has been planned since, which must not be overtaken.
   */
  async retryDead(deliveryId: string, now: Date): Promise<DeliveryView | 'not_retryable' | undefined> {
    const rows = await this.database.query('delivery.retry', retrySql, [
      [deliveryId],
      now,
      deadlinesS.subscription,
      deadlinesS.resource,
    ]);
    const found = await this.find(deliveryId);
    return rows.length > 0 || found === undefined ? found : 'not_retryable';
  }
}

/** From the log of attempts back into the queue; the row of the ending becomes one of a try among others. */
const retrySql = `
  with revived as (
    update delivery_attempt a set outcome = 'retry'
    from notified_subscription s
    where a.delivery_id = any ($1::uuid[]) and a.outcome = 'dead' and s.subscription_id = a.subscription_id
      and case a.notification_type
          when 'subscription' then s.told_sequence <= a.sequence
          else s.status <> 'ended' and (s.resource_planned_at is null or s.resource_planned_at <= a.created_at) end
    returning a.*
  )
  insert into delivery (
    ${recordedColumns.filter((name) => name !== 'due_at' && name !== 'deadline_at').join(', ')},
    endpoint_id, state, due_at, first_due_at, deadline_at, last_attempt_at, last_status, last_error)
  select ${recordedColumns
    .filter((name) => name !== 'due_at' && name !== 'deadline_at')
    .map((name) => `r.${name}`)
    .join(', ')},
    e.endpoint_id, 'pending', $2, $2, $2::timestamptz + case r.notification_type when 'subscription' then $3::integer else $4::integer end * interval '1 second', r.at, r.status, r.error
  from revived r join notification_endpoint e
    on (e.client_id, e.service_id, e.interface_version, e.notification_type)
     = (r.client_id, r.service_id, r.interface_version, r.notification_type)
  on conflict (delivery_id) do nothing
  returning delivery_id`;
