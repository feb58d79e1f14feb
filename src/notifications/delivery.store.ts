import type { Queries } from '../platform';
import type { PlannedResource } from './delivery';
import type { Plan } from './notification.planner';
import { deadlinesS } from './retry-schedule';

/** What has waited this long without being sent is told by the newer state alone. */
const overtakenAfterS = 60;

type PlanOf<Kind extends Plan['kind']> = Extract<Plan, { kind: Kind }>;

/** What is to be sent: written by the planner and by resource changes, in their own transactions. */
export class DeliveryStore {
  /** Stores what the planner found, in its transaction. Planned twice is planned once. */
  async enqueue(plans: readonly Plan[], now: Date, queries: Queries): Promise<void> {
    await readByIndex(queries);
    // First, for it locks these subscriptions: a resource change that plans at the same time waits, or is waited for.
    await this.saveProgress(plans, queries);
    await this.enqueueNotifications(only(plans, 'notify'), now, queries);
    const ended = only(plans, 'notify').filter(({ ends }) => ends);
    if (ended.length > 0) {
      const ids = ended.map(({ notification }) => notification.subscription_id);
      await queries.query('delivery.drop-resources', dropSql(`and ${typeOf('d')} = 'resource'`), [
        ids,
        'subscription_ended',
      ]);
    }
    const silenced = only(plans, 'silence').map(({ subscriptionId }) => subscriptionId);
    if (silenced.length > 0) await this.dropWaiting(silenced, 'invalid_subscription_id', queries);
    await this.holdResources(plans, now, queries);
    await this.holdClients(plans, now, queries);
  }

  /**
   * Stores resource notifications, in the transaction of the change that caused them. One of the same subscription that was not
   * sent yet stands for the new one too and keeps the earlier deadline. It goes out once the planner has planned `sequence`.
   */
  async enqueueResources(jobs: readonly PlannedResource[], now: Date, queries: Queries): Promise<void> {
    if (jobs.length === 0) return;
    await readByIndex(queries);
    await this.makeEndpoints(
      jobs.map((job) => ({ ...job, notification_type: 'resource' })),
      queries,
    );
    // In the order of the planner's locks.
    await queries.query(
      'delivery.lock-subscriptions',
      `select 1 from notified_subscription where subscription_id = any ($1) order by subscription_id for no key update`,
      [jobs.map(({ subscription_id }) => subscription_id)],
    );
    await queries.query('delivery.enqueue-resources', enqueueResourcesSql, [
      ...resourceColumns.map((name) => jobs.map((job) => job[name])),
      now,
      jobs.map(({ traceparent }) => traceparent ?? null),
    ]);
  }

  /** Nothing more is to be said about these subscriptions. */
  async dropWaiting(subscriptionIds: readonly string[], why: string, queries: Queries): Promise<void> {
    await queries.query('delivery.drop-waiting', dropSql(), [subscriptionIds, why]);
  }

  private async saveProgress(plans: readonly Plan[], queries: Queries): Promise<void> {
    const progress = new Map<string, { sequence: number; status: string | null; startedAt: Date | null }>();
    for (const plan of plans) {
      if (!('subscriptionId' in plan)) continue;
      const { subscriptionId, sequence } = plan;
      const before = progress.get(subscriptionId);
      progress.set(subscriptionId, {
        sequence,
        status: statusAfter(plan) ?? before?.status ?? null,
        startedAt: before?.startedAt ?? (plan.kind === 'notify' && plan.starts ? plan.occurredAt : null),
      });
    }
    if (progress.size === 0) return;
    const values = [...progress.values()];
    await queries.query('delivery.progress', progressSql, [
      [...progress.keys()],
      values.map(({ sequence }) => sequence),
      values.map(({ status }) => status),
      values.map(({ startedAt }) => startedAt),
    ]);
  }

  private async enqueueNotifications(plans: readonly PlanOf<'notify'>[], now: Date, queries: Queries): Promise<void> {
    if (plans.length === 0) return;
    const notifications = plans.map(({ notification }) => notification);
    await this.makeEndpoints(notifications, queries);
    await queries.query('delivery.enqueue', enqueueSql, [
      ...notificationColumns.map((name) => notifications.map((row) => row[name])),
      now,
      deadlinesS.subscription,
      overtakenAfterS,
      notifications.map(({ traceparent }) => traceparent ?? null),
    ]);
  }

  /** Endpoints are few and stay; an attempt to insert one that is there would use up a number. */
  private async makeEndpoints(
    endpoints: readonly Record<(typeof endpointColumns)[number], string>[],
    queries: Queries,
  ): Promise<void> {
    await queries.query(
      'delivery.make-endpoints',
      `insert into notification_endpoint (${endpointColumns.join(', ')})
       select distinct n.* from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as n (${endpointColumns.join(', ')})
       where not exists (select 1 from notification_endpoint e where ${isEndpointOf('e', 'n')})
       order by 1, 2, 3, 4
       on conflict do nothing`,
      endpointColumns.map((name) => endpoints.map((endpoint) => endpoint[name])),
    );
  }

  /** The resource notifications of a subscription that is suspended wait, and are due again when it is resumed. */
  private async holdResources(plans: readonly Plan[], now: Date, queries: Queries): Promise<void> {
    const held = new Map<string, string>();
    for (const plan of plans) {
      if (plan.kind === 'suspend' || plan.kind === 'resume') held.set(plan.subscriptionId, plan.kind);
    }
    if (held.size === 0) return;
    await queries.query(
      'delivery.hold-resources',
      `update delivery d
       set state = case n.what when 'suspend' then 'parked' else 'pending' end,
           due_at = case n.what when 'suspend' then d.due_at else $3 end,
           first_due_at = case n.what when 'suspend' then d.first_due_at else $3 end
       from unnest($1::text[], $2::text[]) as n (subscription_id, what)
       where d.subscription_id = n.subscription_id and ${typeOf('d')} = 'resource'
         and d.state = case n.what when 'suspend' then 'pending' else 'parked' end`,
      [[...held.keys()], [...held.values()], now],
    );
  }

  private async holdClients(plans: readonly Plan[], now: Date, queries: Queries): Promise<void> {
    // One after the other, as they stand in the log: they are rare.
    for (const plan of plans) {
      if (plan.kind === 'park') {
        await queries.query(
          'delivery.park-client',
          'insert into parked_client (client_id, since) values ($1, $2) on conflict do nothing',
          [plan.clientId, plan.occurredAt],
        );
      } else if (plan.kind === 'release') {
        await queries.query(
          'delivery.release-client',
          `with released as (delete from parked_client where client_id = $1)
           update notification_endpoint set resumed_at = $2, failures = 0, held_until = null where client_id = $1`,
          [plan.clientId, now],
        );
      }
    }
  }
}

/**
 * For the rest of the transaction. A plan that was made while the queue was empty would read all of it for each page, until
 * PostgreSQL next analyses the table: in the very minute in which much comes at once.
 */
async function readByIndex(queries: Queries): Promise<void> {
  await queries.query(
    'delivery.by-index',
    `select ${['seqscan', 'hashjoin', 'mergejoin'].map((way) => `set_config('enable_${way}', 'off', true)`).join(', ')}`,
  );
}

function only<Kind extends Plan['kind']>(plans: readonly Plan[], kind: Kind): PlanOf<Kind>[] {
  return plans.filter((plan): plan is PlanOf<Kind> => plan.kind === kind);
}

/** What the plan's event makes of the subscription; undefined: what it was. */
function statusAfter(plan: Extract<Plan, { subscriptionId: string }>): 'active' | 'suspended' | 'ended' | undefined {
  switch (plan.kind) {
    case 'notify':
      return plan.ends ? 'ended' : plan.starts ? 'active' : undefined;
    case 'silence':
      return 'ended';
    case 'suspend':
      return 'suspended';
    case 'resume':
      return 'active';
  }
}

const endpointColumns = ['client_id', 'service_id', 'interface_version', 'notification_type'] as const;
const isEndpointOf = (endpoint: string, row: string) =>
  endpointColumns.map((name) => `${endpoint}.${name} = ${row}.${name}`).join(' and ');

/** What a row of the log of attempts takes over from a delivery. */
export const recordedColumns = [
  'delivery_id',
  'subscription_id',
  'sequence',
  'client_id',
  'service_id',
  'interface_version',
  'provider',
  'person_id',
  'notification_type',
  'end_date',
  'correlation_id',
  'due_at',
  'created_at',
  'deadline_at',
  'fence',
] as const;

/**
 * Columns of deliveries that are sought by their subscription, hidden from the indexes that hold a part of the queue: of such an index
 * PostgreSQL expects nothing once it has seen the queue empty, and reads all of it for each page.
 */
const stateOf = (row: string) => `coalesce(${row}.state, '')`;
const typeOf = (row: string) => `coalesce(${row}.notification_type, '')`;

/** Writes rows of `ended`, which are deliveries that ended without a further try, into the log of attempts. */
export const recordUntried = (outcome: 'dropped' | 'dead', why: string) => `
  insert into delivery_attempt (${recordedColumns.join(', ')}, attempt, at, status, error, outcome)
  select ${recordedColumns.join(', ')}, attempts, last_attempt_at, last_status, ${why}, '${outcome}' from ended`;

const dropSql = (which = '') => `
  with ended as (
    delete from delivery d where d.subscription_id = any ($1) and ${stateOf('d')} in ('pending', 'parked') ${which} returning d.*
  ) ${recordUntried('dropped', 'coalesce(last_error, $2)')}`;

const progressSql = `
  insert into notified_subscription (subscription_id, planned_sequence, status, started_at)
  select n.subscription_id, n.sequence, coalesce(n.status, s.status, 'active'), n.started_at
  from unnest($1::text[], $2::integer[], $3::text[], $4::timestamptz[]) as n (subscription_id, sequence, status, started_at)
  left join notified_subscription s on s.subscription_id = n.subscription_id
  order by n.subscription_id
  on conflict (subscription_id) do update
  set status = case when excluded.planned_sequence > notified_subscription.planned_sequence
                    then excluded.status else notified_subscription.status end,
      planned_sequence = greatest(notified_subscription.planned_sequence, excluded.planned_sequence),
      started_at = coalesce(notified_subscription.started_at, excluded.started_at)`;

const notificationColumns = [
  'delivery_id',
  'subscription_id',
  'sequence',
  'client_id',
  'service_id',
  'interface_version',
  'provider',
  'person_id',
  'notification_type',
  'end_date',
  'correlation_id',
] as const;

/** What is planned in one go is listed in the order in which it was given: each a microsecond after the one before. */
const plannedAt = (now: string, row: string) => `${now}::timestamptz + (${row}.turn - 1) * interval '1 microsecond'`;

/** Counts what the statement adds, and only that: planned twice is counted once (docs/adr/0026). */
const countAdded = `
  insert into delivery_ledger (hour, client_id, notification_type, planned)
  select date_trunc('hour', created_at, 'UTC'), client_id, notification_type, count(*) from added group by 1, 2, 3`;

const enqueueSql = `
  with given as (
    select * from unnest($1::uuid[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::text[],
      $10::date[], $11::text[], $15::text[]) with ordinality as n (${notificationColumns.join(', ')}, traceparent, turn)
  ), fresh as (
    select given.* from given join notified_subscription s using (subscription_id) where s.told_sequence < given.sequence
  ), newest as (
    select subscription_id, max(sequence) as sequence from fresh group by subscription_id
  ), told as (
    update notified_subscription s set told_sequence = newest.sequence from newest where s.subscription_id = newest.subscription_id
  ), behind as (
    -- A resource notification says nothing of a state: one that waits goes after the newer state instead of holding it up.
    update delivery d set sequence = newest.sequence from newest
    where d.subscription_id = newest.subscription_id and ${typeOf('d')} = 'resource' and ${stateOf('d')} in ('pending', 'parked')
      and d.sequence < newest.sequence
  ), ended as (
    -- What waits for a retry, or could not go out for a while, has been overtaken: the client gets the newer state instead.
    delete from delivery d using newest
    where d.subscription_id = newest.subscription_id and d.sequence < newest.sequence and ${typeOf('d')} = 'subscription'
      and ${stateOf('d')} = 'pending'
      and (d.last_attempt_at is not null or d.created_at <= $12::timestamptz - $14 * interval '1 second')
    returning d.*
  ), recorded as (${recordUntried('dropped', `'superseded'`)}
  ), added as (
    insert into delivery (
      ${notificationColumns.join(', ')}, traceparent, endpoint_id, state, due_at, first_due_at, created_at, deadline_at)
    select ${notificationColumns.map((name) => `f.${name}`).join(', ')}, f.traceparent, e.endpoint_id, 'pending', $12, $12, ${plannedAt('$12', 'f')},
           $12::timestamptz + $13 * interval '1 second'
    from fresh f join notification_endpoint e on ${isEndpointOf('e', 'f')}
    on conflict (delivery_id) do nothing
    returning client_id, notification_type, created_at
  ) ${countAdded}`;

const resourceColumns = [
  'subscription_id',
  'sequence',
  'client_id',
  'provider',
  'service_id',
  'interface_version',
  'person_id',
  'correlation_id',
  'deadline_at',
] as const;

const enqueueResourcesSql = `
  with given as (
    select distinct on (n.subscription_id) n.*, 'resource' as notification_type
    from unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::timestamptz[],
      $11::text[]) with ordinality as n (${resourceColumns.join(', ')}, traceparent, turn)
    order by n.subscription_id, n.deadline_at
  ), absorbed as (
    update delivery d set deadline_at = least(d.deadline_at, given.deadline_at), sequence = greatest(d.sequence, given.sequence)
    from given
    where d.subscription_id = given.subscription_id and ${typeOf('d')} = 'resource' and ${stateOf('d')} in ('pending', 'parked')
    returning d.subscription_id
  ), planned as (
    update notified_subscription s set resource_planned_at = $10 from given
    -- Not where one that waits takes it over: there is none newer that stands for that one if it dies.
    where s.subscription_id = given.subscription_id and given.subscription_id not in (select subscription_id from absorbed)
  ), urged as (
    -- What has to go first is tried as if it were new: else the pauses of its schedule would use up the hour of this one.
    update delivery d set due_at = least(d.due_at, $10), first_due_at = $10
    from given
    where d.subscription_id = given.subscription_id and ${typeOf('d')} = 'subscription' and ${stateOf('d')} = 'pending' and d.tried
      and d.subscription_id not in (select subscription_id from absorbed)
  ), added as (
    insert into delivery (
      delivery_id, ${resourceColumns.join(', ')}, traceparent, notification_type, endpoint_id, state, due_at, first_due_at, created_at)
    select gen_random_uuid(), ${resourceColumns.map((name) => `g.${name}`).join(', ')}, g.traceparent, 'resource', e.endpoint_id,
           case s.status when 'suspended' then 'parked' else 'pending' end, $10, $10, ${plannedAt('$10', 'g')}
    from given g join notification_endpoint e on ${isEndpointOf('e', 'g')}
    left join notified_subscription s on s.subscription_id = g.subscription_id
    where g.subscription_id not in (select subscription_id from absorbed) and s.status is distinct from 'ended'
    returning client_id, notification_type, created_at
  ) ${countAdded}`;
