import { type Database, percentLookedAt } from '../platform';
import { type Breaker, type BreakerState, breakerState } from './breaker';
import {
  type AttemptOutcome,
  type AttemptView,
  type DeliveryState,
  deliveryStates,
  type DeliveryView,
} from './delivery';

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

/** Rows of one kind that are counted one by one. */
const countedMax = 20_000;
/** Notifications at risk that are looked at: those nearest to their deadline. */
const atRiskMax = 20_000;

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

  /**
   * Of much, about: the queue is counted whole or told from a sample, endings are counted up to `countedMax` of a kind (which of them
   * does not matter) and beyond that told by what PostgreSQL knows of the size of its indexes. This is asked for every few seconds,
   * and a year holds more than could be counted.
   */
  async countByState(): Promise<Record<DeliveryState, number>> {
    const [unfinished, finished, sizes] = await Promise.all([
      this.database.query<{ state: DeliveryState; count: number }>(
        'delivery.count-unfinished',
        `with looked_at as materialized (select (${percentLookedAt(`pg_relation_size('delivery')`)})::real as percent)
         select state, (count(*) * 100 / (select percent from looked_at))::integer as count
         from (${unfinishedRows} tablesample system ((select percent from looked_at)) repeatable (0)) u group by state`,
      ),
      this.database.query<{ dead: number; dropped: number; finished: number }>(
        'delivery.count-finished',
        `select
           (select count(*)::integer from (select from delivery_attempt where outcome = 'dead' limit $1) counted) as dead,
           (select count(*)::integer from (select from delivery_attempt where outcome = 'dropped' limit $1) counted) as dropped,
           (select count(*)::integer from (select from delivery_attempt where outcome <> 'retry' limit $1) counted) as finished`,
        [countedMax],
      ),
      this.sizes(),
    ]);
    const counted = finished[0]!;
    let { dead, dropped } = counted;
    // One index knows how many there are of both; whichever could be counted tells the other, and with neither dropped ones are the more.
    if (dropped >= countedMax) dropped = Math.max(dropped, sizes.amiss - dead);
    else if (dead >= countedMax) dead = Math.max(dead, sizes.amiss - dropped);
    const all = counted.finished < countedMax ? counted.finished : Math.max(counted.finished, sizes.finished);
    const counts = Object.fromEntries(deliveryStates.map((state) => [state, 0])) as Record<DeliveryState, number>;
    for (const { state, count } of unfinished) counts[state] = count;
    return { ...counts, dead, dropped, delivered: Math.max(0, all - dead - dropped) };
  }

  /** As of the last time that PostgreSQL looked. */
  private async sizes(): Promise<{ finished: number; amiss: number }> {
    const [row] = await this.database.query<{ finished: number; amiss: number }>(
      'delivery.sizes',
      `select coalesce(sum(c.reltuples) filter (where i.inhparent = 'delivery_attempt_newest'::regclass), 0)::float8 as finished,
              coalesce(sum(c.reltuples) filter (where i.inhparent = 'delivery_attempt_amiss'::regclass), 0)::float8 as amiss
       from pg_class c join pg_inherits i on i.inhrelid = c.oid
       where i.inhparent in ('delivery_attempt_newest'::regclass, 'delivery_attempt_amiss'::regclass) and c.reltuples > 0`,
    );
    return row!;
  }

  /**
   * What became of tries and deliveries since a moment of the database's clock, and the moment up to which was counted, from
   * which to go on; undefined to begin with. It stays a second behind, for rows become visible some time after they are dated.
   */
  async outcomesSince(since: string | undefined): Promise<{ outcomes: Record<AttemptOutcome, number>; until: string }> {
    const [moment] = await this.database.query<{ until: string }>(
      'delivery.counting-moment',
      `select (clock_timestamp() - interval '1 second')::text as until`,
    );
    const { until } = moment!;
    const outcomes = { delivered: 0, retry: 0, dead: 0, dropped: 0 };
    if (since === undefined) return { outcomes, until };
    const rows = await this.database.query<{ outcome: AttemptOutcome; count: number }>(
      'delivery.outcomes',
      `select outcome, count(*)::integer as count from delivery_attempt
       where written_at >= $1::timestamptz and written_at < $2::timestamptz group by outcome`,
      [since, until],
    );
    for (const { outcome, count } of rows) outcomes[outcome] = count;
    return { outcomes, until };
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

  /**
   * Resource notifications whose deadline lies less than `withinS` ahead, or behind, for each client that has any: of the first
   * `atRiskMax`, for an outage puts a whole backlog at risk.
   */
  async atRisk(now: Date, withinS: number): Promise<{ client_id: string; count: number }[]> {
    return this.database.query<{ client_id: string; count: number }>(
      'delivery.at-risk',
      `select client_id, count(*)::integer as count from (
         select client_id from delivery
         where notification_type = 'resource' and deadline_at < $1::timestamptz + $2 * interval '1 second'
         order by deadline_at limit $3) nearest
       group by client_id`,
      [now, withinS, atRiskMax],
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
