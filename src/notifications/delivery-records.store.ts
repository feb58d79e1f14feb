import type { Database } from '../platform';
import { type Breaker, type BreakerState, breakerState } from './breaker';
import { type AttemptView, type DeliveryState, deliveryStates, type DeliveryView } from './delivery';

const finishedStates: readonly string[] = ['delivered', 'dead', 'dropped'];

/** Both tables in the form in which operators see them: what is unfinished, and the ending of what is not. */
const sharedColumns = `delivery_id, subscription_id, client_id, notification_type, end_date::text as end_date, due_at, created_at, deadline_at`;
export const unfinishedRows = `
  select ${sharedColumns}, attempts, last_attempt_at, last_status, last_error,
         case when state = 'pending' and exists (select 1 from parked_client p where p.client_id = delivery.client_id)
              then 'parked' else state end as state
  from delivery`;
export const finishedRows = `
  select ${sharedColumns}, attempt as attempts, at as last_attempt_at, status as last_status, error as last_error, outcome as state
  from delivery_attempt where outcome <> 'retry'`;

/** Deliveries as operators see them, unfinished and finished ones alike. */
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

  /** Which of these clients have a notification that is not finished. */
  async withUnfinished(clientIds: readonly string[]): Promise<string[]> {
    const rows = await this.database.query<{ client_id: string }>(
      'delivery.with-unfinished',
      `select client_id from unnest($1::text[]) as asked (client_id)
       where exists (select from delivery where delivery.client_id = asked.client_id)`,
      [clientIds],
    );
    return rows.map(({ client_id }) => client_id);
  }

  /** Age of the oldest notification that is not finished, in seconds, for each client that has one. */
  async oldestUndelivered(now: Date): Promise<{ client_id: string; seconds: number }[]> {
    return this.database.query<{ client_id: string; seconds: number }>(
      'delivery.oldest',
      // One look into the index for each client, however much waits.
      `with recursive client as (
         (select client_id, created_at from delivery order by client_id, created_at limit 1)
         union all
         select next.* from client cross join lateral (
           select d.client_id, d.created_at from delivery d where d.client_id > client.client_id
           order by d.client_id, d.created_at limit 1) next
       )
       select client_id, greatest(0, extract(epoch from $1::timestamptz - created_at))::float8 as seconds from client`,
      [now],
    );
  }

  /** Resource notifications whose deadline lies less than `withinS` ahead, or behind, for each client that has any. */
  async atRisk(now: Date, withinS: number): Promise<{ client_id: string; count: number }[]> {
    return this.database.query<{ client_id: string; count: number }>(
      'delivery.at-risk',
      `select client_id, count(*)::integer as count from delivery
       where notification_type = 'resource' and deadline_at < $1::timestamptz + $2 * interval '1 second' group by client_id`,
      [now, withinS],
    );
  }

  /** The breaker of each client that we have ever told anything: of its endpoints the one that is worst off. */
  async breakers(now: Date): Promise<Map<string, BreakerState>> {
    const rows = await this.database.query<{ client_id: string } & Breaker>(
      'delivery.breakers',
      'select client_id, failures, held_until as "heldUntil" from notification_endpoint',
    );
    const worst = new Map<string, BreakerState>();
    for (const { client_id: id, ...breaker } of rows) {
      const state = breakerState(breaker, now);
      if (severity[state] >= severity[worst.get(id) ?? 'closed']) worst.set(id, state);
    }
    return worst;
  }

  /**
   * Every try of one delivery and its ending, the oldest first, `limit` rows after the row `after`. A claim has one fence, so that
   * fences tell the order; what ends without a further try keeps the fence of the last one.
   */
  async attemptsOf(
    deliveryId: string,
    after: { fence: string; recordedAt: string } | undefined,
    limit: number,
  ): Promise<(AttemptView & { fence: string; place: string })[]> {
    return this.database.query<AttemptView & { fence: string; place: string }>(
      `delivery.attempts.${after ? 'after' : ''}`,
      `select attempt, at, written_at as recorded_at, status, error, duration_ms, outcome, fence::text as fence,
              written_at::text as place
       from delivery_attempt
       where delivery_id = $1 ${after ? 'and (fence, written_at) > ($3::bigint, $4::timestamptz)' : ''}
       order by delivery_attempt.fence, written_at limit $2`,
      [deliveryId, limit, ...(after ? [after.fence, after.recordedAt] : [])],
    );
  }
}

const severity: Record<BreakerState, number> = { closed: 0, half_open: 1, open: 2 };
