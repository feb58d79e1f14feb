import type { Database, Queries } from '../platform';
import { subscriptionDeadlineS } from './retry-schedule';
import type { Plan } from './notification.planner';

export type DeliveryState = 'pending' | 'sending' | 'parked' | 'delivered' | 'dead' | 'dropped';
export const deliveryStates = [
  'pending',
  'sending',
  'parked',
  'delivered',
  'dead',
  'dropped',
] as const satisfies DeliveryState[];

/** A notification somebody has claimed: what to send, and the fence under which its outcome counts. */
export interface ClaimedDelivery {
  delivery_id: string;
  subscription_id: string;
  client_id: string;
  service_id: string;
  interface_version: string;
  notification_type: 'subscription' | 'resource';
  end_date: string | null;
  correlation_id: string;
  /** Tries before this one. */
  attempts: number;
  deadline_at: Date;
  fence: string;
  started_at: Date | null;
  confirmed_at: Date | null;
}

/** A delivery as operators see it (contract.md 4). */
export interface DeliveryView {
  delivery_id: string;
  subscription_id: string;
  client_id: string;
  notification_type: 'subscription' | 'resource';
  end_date: string | null;
  state: DeliveryState;
  attempts: number;
  due_at: Date;
  created_at: Date;
  last_attempt_at: Date | null;
  last_status: number | null;
  last_error: string | null;
  deadline_at: Date;
}

export interface AttemptRecord {
  at: Date;
  status: number | null;
  error: string | null;
}

/** What becomes of a claimed delivery after a try. */
export type Completion =
  | { state: 'delivered' | 'dead' | 'dropped'; attempt: AttemptRecord }
  | { state: 'pending'; attempt: AttemptRecord; dueAt: Date };

const viewColumns = `
  delivery_id, subscription_id, client_id, notification_type, end_date::text as end_date, state, attempts, due_at, created_at,
  last_attempt_at, last_status, last_error, deadline_at`;

/** The notifications to send, under way and done. */
export class DeliveryStore {
  constructor(private readonly database: Database) {}

  /** Stores what the planner found, in its transaction. Planned twice is planned once. */
  async enqueue(plans: readonly Plan[], now: Date, queries: Queries): Promise<void> {
    const notified = plans.filter((plan) => plan.kind === 'notify');
    const silenced = plans.filter((plan) => plan.kind === 'silence').map(({ subscriptionId }) => subscriptionId);
    const notifications = notified.map(({ notification }) => notification);
    const started = notified.filter(({ starts }) => starts);
    if (started.length > 0) {
      await queries.query(
        'delivery.started',
        `insert into notified_subscription (subscription_id, started_at)
         select * from unnest($1::text[], $2::timestamptz[]) on conflict do nothing`,
        [started.map(({ notification }) => notification.subscription_id), started.map(({ occurredAt }) => occurredAt)],
      );
    }
    if (notifications.length > 0) {
      // What waits for a retry has been overtaken: the client gets the newer state instead. What was never tried goes first.
      await queries.query(
        'delivery.absorb',
        `update delivery d set state = 'dropped', last_error = 'superseded'
         from unnest($1::text[], $2::integer[]) as n (subscription_id, sequence)
         where d.subscription_id = n.subscription_id and d.sequence < n.sequence
           and d.notification_type = 'subscription' and d.state = 'pending' and d.attempts > 0`,
        [notifications.map((row) => row.subscription_id), notifications.map((row) => row.sequence)],
      );
      await queries.query('delivery.enqueue', enqueueSql, [
        ...enqueueColumns.map((name) => notifications.map((row) => row[name])),
        now,
        subscriptionDeadlineS,
      ]);
    }
    if (silenced.length > 0) await this.dropWaiting(silenced, 'invalid_subscription_id', queries);
  }

  /**
   * Claims up to `limit` due notifications, the longest due first: of each subscription the oldest unfinished one only, and
   * none that another worker holds. A lease that ran out is claimed anew; the fence of the earlier holder counts no more.
   */
  async claimDue(now: Date, limit: number, leaseMs: number): Promise<ClaimedDelivery[]> {
    return this.database.query<ClaimedDelivery>('delivery.claim', claimSql, [now, limit, leaseMs]);
  }

  /** Records a try and its outcome. False when somebody else has claimed the delivery meanwhile: then nothing is recorded. */
  async complete(
    delivery: Pick<ClaimedDelivery, 'delivery_id' | 'fence' | 'subscription_id'>,
    completion: Completion,
  ): Promise<boolean> {
    const { attempt } = completion;
    const rows = await this.database.query('delivery.complete', completeSql, [
      delivery.delivery_id,
      delivery.fence,
      completion.state,
      attempt.at,
      attempt.status,
      attempt.error,
      completion.state === 'pending' ? completion.dueAt : null,
    ]);
    return rows.length > 0;
  }

  /** Gives claimed deliveries back untried. */
  async giveBack(deliveries: readonly Pick<ClaimedDelivery, 'delivery_id' | 'fence'>[]): Promise<void> {
    await this.database.query(
      'delivery.give-back',
      `update delivery d set state = 'pending', lease_until = null
       from unnest($1::uuid[], $2::bigint[]) as c (delivery_id, fence)
       where d.delivery_id = c.delivery_id and d.fence = c.fence and d.state = 'sending'`,
      [deliveries.map(({ delivery_id }) => delivery_id), deliveries.map(({ fence }) => fence)],
    );
  }

  /** Nothing more is to be said about these subscriptions. */
  async dropWaiting(subscriptionIds: readonly string[], why: string, queries: Queries = this.database): Promise<void> {
    await queries.query(
      'delivery.drop-waiting',
      `update delivery set state = 'dropped', last_error = coalesce(last_error, $2)
       where subscription_id = any ($1) and state in ('pending', 'parked')`,
      [subscriptionIds, why],
    );
  }

  /**
   * Puts a dead delivery back into the queue, as if it were new. Undefined when there is none by that id, `not_retryable` when
   * it is not dead or a newer state of its subscription has been planned since, which must not be overtaken.
   */
  async retryDead(deliveryId: string, now: Date): Promise<DeliveryView | 'not_retryable' | undefined> {
    const [row] = await this.database.query<DeliveryView>('delivery.retry', retrySql, [
      deliveryId,
      now,
      subscriptionDeadlineS,
    ]);
    if (row) return row;
    return (await this.find(deliveryId)) && 'not_retryable';
  }

  async find(deliveryId: string): Promise<DeliveryView | undefined> {
    const [row] = await this.database.query<DeliveryView>(
      'delivery.find',
      `select ${viewColumns} from delivery where delivery_id = $1`,
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
    const conditions: string[] = [];
    const value = (content: unknown) => `$${values.push(content)}`;
    const named = (['state', 'client_id', 'subscription_id'] as const).filter((name) => filter[name] !== undefined);
    for (const name of named) conditions.push(`${name} = ${value(filter[name])}`);
    if (after)
      conditions.push(
        `(created_at, delivery_id) < (${value(after.createdAt)}::timestamptz, ${value(after.deliveryId)}::uuid)`,
      );
    return this.database.query<DeliveryView & { place: string }>(
      `delivery.list.${named.join('.')}.${after ? 'after' : ''}`,
      `select ${viewColumns}, created_at::text as place from delivery
       ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
       order by created_at desc, delivery_id desc limit $1`,
      values,
    );
  }

  async countByState(): Promise<Record<DeliveryState, number>> {
    const rows = await this.database.query<{ state: DeliveryState; count: number }>(
      'delivery.count',
      'select state, count(*)::integer as count from delivery group by state',
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
       from delivery where state in ('pending', 'sending', 'parked') group by client_id`,
      [now],
    );
  }
}

const enqueueColumns = [
  'delivery_id',
  'subscription_id',
  'sequence',
  'client_id',
  'service_id',
  'interface_version',
  'notification_type',
  'end_date',
  'correlation_id',
] as const;

const enqueueSql = `
  insert into delivery (${enqueueColumns.join(', ')}, state, due_at, created_at, deadline_at)
  select n.*, 'pending', $10, $10, $10::timestamptz + $11 * interval '1 second'
  from unnest($1::uuid[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::text[], $8::date[], $9::text[]) as n
  on conflict (delivery_id) do nothing`;

const claimSql = `
  with due as (
    select d.delivery_id from delivery d
    where d.state in ('pending', 'sending') and d.due_at <= $1
      and (d.state = 'pending' or d.lease_until < clock_timestamp())
      and not exists (
        select 1 from delivery earlier
        where earlier.subscription_id = d.subscription_id and earlier.sequence < d.sequence
          and earlier.state in ('pending', 'sending', 'parked'))
    order by d.due_at
    limit $2
    for update of d skip locked
  ), claimed as (
    update delivery d
    set state = 'sending', fence = d.fence + 1, lease_until = clock_timestamp() + $3 * interval '1 millisecond'
    from due where d.delivery_id = due.delivery_id
    returning d.*
  )
  select c.delivery_id, c.subscription_id, c.client_id, c.service_id, c.interface_version, c.notification_type,
         c.end_date::text as end_date, c.correlation_id, c.attempts, c.deadline_at, c.fence::text as fence,
         s.started_at, s.confirmed_at
  from claimed c left join notified_subscription s on s.subscription_id = c.subscription_id
  order by c.due_at`;

const completeSql = `
  with completed as (
    update delivery d
    set state = case when $3 = 'pending' and newer.planned then 'dropped' else $3 end,
        last_error = case when $3 = 'pending' and newer.planned then 'superseded' else $6 end,
        attempts = attempts + 1, last_attempt_at = $4, last_status = $5, due_at = coalesce($7, due_at), lease_until = null
    from (
      -- What would be tried again has been overtaken while it was being sent: the newer state goes instead.
      select exists (
        select 1 from delivery one join delivery later using (subscription_id, notification_type)
        where one.delivery_id = $1 and later.sequence > one.sequence and one.notification_type = 'subscription'
      ) as planned
    ) newer
    where d.delivery_id = $1 and d.fence = $2 and d.state = 'sending'
    returning d.subscription_id
  ), confirmed as (
    update notified_subscription s set confirmed_at = $4
    from completed c where s.subscription_id = c.subscription_id and $3 = 'delivered' and s.confirmed_at is null
  )
  select 1 from completed`;

const retrySql = `
  update delivery d
  set state = 'pending', attempts = 0, due_at = $2, deadline_at = $2::timestamptz + $3 * interval '1 second'
  where d.delivery_id = $1 and d.state = 'dead'
    and not exists (
      select 1 from delivery newer
      where newer.subscription_id = d.subscription_id and newer.sequence > d.sequence and newer.notification_type = d.notification_type)
  returning ${viewColumns}`;
