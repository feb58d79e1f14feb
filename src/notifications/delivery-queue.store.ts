import type { Database } from '../platform';
import type { ClaimedDelivery, Completion } from './delivery';
import { recordedColumns } from './delivery.store';

/** What tells a claim apart from a later one of the same delivery. */
export type Claim = Pick<ClaimedDelivery, 'delivery_id' | 'fence'>;

/** How much may be claimed now. */
export interface ClaimLimits {
  /** In all, and of those the ones that have been tried before. */
  total: number;
  tried: number;
  /** Of one endpoint, where `rooms` says nothing else (endpoint id -> deliveries). */
  room: number;
  rooms: ReadonlyMap<number, number>;
}

/** Failures in a row from which on the breaker of an endpoint is open. */
export const breakerFailures = 10;
/** How long a probe keeps others from probing the same endpoint: longer than a call and the recording of its outcome. */
const probeS = 15;

/** The unfinished deliveries, as those who send them see them. */
export class DeliveryQueue {
  constructor(private readonly database: Database) {}

  /**
   * Claims due notifications: of each subscription the oldest unfinished one only, and none while another one of it is being sent;
   * of each endpoint the longest due first, and what was never tried before what was. Endpoints take turns, so that none with
   * much to send stands in front of another.
   */
  async claimDue(now: Date, limits: ClaimLimits, leaseMs: number): Promise<ClaimedDelivery[]> {
    return this.database.query<ClaimedDelivery>('delivery.claim', claimSql, [
      now,
      limits.total,
      limits.tried,
      limits.room,
      [...limits.rooms.keys()],
      [...limits.rooms.values()],
      leaseMs,
      probeS,
    ]);
  }

  /**
   * Records tries and their outcomes in one statement: what is finished leaves for the log of attempts. Returns the deliveries
   * whose outcome counted; the others have been claimed by somebody else meanwhile, and nothing of them is recorded.
   */
  async complete(outcomes: readonly { delivery: Claim; completion: Completion }[]): Promise<Set<string>> {
    const rows = await this.database.query<{ delivery_id: string }>('delivery.complete', completeSql, [
      outcomes.map(({ delivery }) => delivery.delivery_id),
      outcomes.map(({ delivery }) => delivery.fence),
      outcomes.map(({ completion }) => completion.state),
      outcomes.map(({ completion }) => completion.attempt.at),
      outcomes.map(({ completion }) => completion.attempt.status),
      outcomes.map(({ completion }) => completion.attempt.error),
      outcomes.map(({ completion }) => completion.attempt.durationMs),
      outcomes.map(({ completion }) => (completion.state === 'pending' ? completion.dueAt : null)),
      outcomes.map(({ completion }) => completion.isCounted),
    ]);
    return new Set(rows.map(({ delivery_id }) => delivery_id));
  }

  /** Holds claims for longer. Returns those that are still held. */
  async extend(claims: readonly Claim[], leaseMs: number): Promise<Set<string>> {
    const rows = await this.database.query<{ delivery_id: string }>(
      'delivery.extend',
      `update delivery d set lease_until = clock_timestamp() + $3 * interval '1 millisecond'
       from unnest($1::uuid[], $2::bigint[]) as c (delivery_id, fence)
       where d.delivery_id = c.delivery_id and d.fence = c.fence and d.state = 'sending'
       returning d.delivery_id`,
      [claims.map(({ delivery_id }) => delivery_id), claims.map(({ fence }) => fence), leaseMs],
    );
    return new Set(rows.map(({ delivery_id }) => delivery_id));
  }

  /** Gives claimed deliveries back untried. */
  async giveBack(claims: readonly Claim[]): Promise<void> {
    await this.database.query(
      'delivery.give-back',
      `update delivery d set state = 'pending', lease_until = null
       from unnest($1::uuid[], $2::bigint[]) as c (delivery_id, fence)
       where d.delivery_id = c.delivery_id and d.fence = c.fence and d.state = 'sending'`,
      [claims.map(({ delivery_id }) => delivery_id), claims.map(({ fence }) => fence)],
    );
  }

  /** Puts back, up to `limit`, what was claimed by a process that did not keep its lease. Returns how many. */
  async freeExpired(limit: number): Promise<number> {
    const rows = await this.database.query(
      'delivery.free-expired',
      `update delivery d set state = 'pending', lease_until = null
       from (
         select delivery_id from delivery where state = 'sending' and lease_until < clock_timestamp()
         order by lease_until limit $1 for update skip locked
       ) expired
       where d.delivery_id = expired.delivery_id
       returning 1`,
      [limit],
    );
    return rows.length;
  }
}

const claimSql = `
  with recursive lane as (
    -- Which queues have anything at all: one look into the index for each, however long they are.
    (select d.endpoint_id, d.tried, d.due_at from delivery d where d.state = 'pending'
     order by d.endpoint_id, d.tried, d.due_at limit 1)
    union all
    select next.* from lane cross join lateral (
      select d.endpoint_id, d.tried, d.due_at from delivery d
      where d.state = 'pending' and (d.endpoint_id, d.tried) > (lane.endpoint_id, lane.tried)
      order by d.endpoint_id, d.tried, d.due_at limit 1) next
  ), open_lane as (
    select lane.endpoint_id, lane.tried, e.failures >= ${breakerFailures} as is_broken, coalesce(known.room, $4::integer) as room
    from lane join notification_endpoint e on e.endpoint_id = lane.endpoint_id
    left join unnest($5::integer[], $6::integer[]) as known (endpoint_id, room) on known.endpoint_id = lane.endpoint_id
    where lane.due_at <= $1 and (e.held_until is null or e.held_until <= $1)
      and not exists (select 1 from parked_client p where p.client_id = e.client_id)
  ), probing as (
    -- One delivery, of one process, finds out whether an endpoint is well again.
    update notification_endpoint e set held_until = $1::timestamptz + $8 * interval '1 second'
    where e.endpoint_id in (select endpoint_id from open_lane where is_broken) and e.held_until <= $1
    returning e.endpoint_id
  ), candidate as (
    select c.delivery_id, c.due_at, o.endpoint_id, o.tried, o.is_broken, o.room,
           row_number() over (partition by o.endpoint_id order by o.tried, c.due_at) as turn
    from open_lane o
    cross join lateral (
      select d.delivery_id, d.due_at from delivery d
      where d.state = 'pending' and d.endpoint_id = o.endpoint_id and d.tried = o.tried and d.due_at <= $1
        and not exists (
          select 1 from delivery other
          where other.subscription_id = d.subscription_id
            and (other.state = 'sending' or other.sequence < d.sequence
              or other.sequence = d.sequence and other.notification_type = 'subscription' and d.notification_type = 'resource'))
        and (d.notification_type = 'subscription' or exists (
          select 1 from notified_subscription s
          where s.subscription_id = d.subscription_id and s.planned_sequence >= d.sequence and s.status <> 'suspended'))
      order by d.due_at
      limit case when o.is_broken then 1 else least(o.room, case when o.tried then $3::integer else $2::integer end) end
      for update of d skip locked
    ) c
  ), chosen as (
    select delivery_id, is_broken,
           row_number() over (partition by tried order by turn, due_at) as turn_of_tried,
           row_number() over (order by turn, due_at) as turn_of_all, tried
    from candidate
    where turn <= case when is_broken then 1 else room end
      and (not is_broken or endpoint_id in (select endpoint_id from probing))
  ), claimed as (
    update delivery d
    set state = 'sending', fence = d.fence + 1, lease_until = clock_timestamp() + $7 * interval '1 millisecond'
    from chosen c
    where d.delivery_id = c.delivery_id and (not c.tried or c.turn_of_tried <= $3) and c.turn_of_all <= $2
    returning d.*, c.is_broken as is_probe
  )
  select c.delivery_id, c.endpoint_id, c.subscription_id, c.client_id, c.service_id, c.interface_version, c.provider, c.person_id,
         c.notification_type, c.end_date::text as end_date, c.correlation_id, c.attempts, c.first_due_at, c.deadline_at,
         c.fence::text as fence, c.is_probe, s.started_at, s.confirmed_at
  from claimed c left join notified_subscription s on s.subscription_id = c.subscription_id
  order by c.due_at`;

const completeSql = `
  with outcome as (
    select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[], $5::integer[], $6::text[], $7::integer[],
      $8::timestamptz[], $9::boolean[]) as o (delivery_id, fence, state, at, status, error, duration_ms, due_at, is_counted)
  ), judged as (
    -- What would be tried again has been overtaken while it was being sent: the newer one goes instead.
    select o.*, o.state = 'pending' and exists (
        select 1 from delivery one join delivery later using (subscription_id, notification_type)
        where one.delivery_id = o.delivery_id and later.delivery_id <> one.delivery_id
          and (later.sequence > one.sequence or one.notification_type = 'resource')
      ) as is_superseded
    from outcome o
  ), waiting as (
    update delivery d
    set state = 'pending', attempts = d.attempts + j.is_counted::integer, last_attempt_at = j.at, last_status = j.status,
        last_error = j.error, due_at = j.due_at, lease_until = null
    from judged j
    where d.delivery_id = j.delivery_id and d.fence = j.fence and d.state in ('sending', 'pending')
      and j.state = 'pending' and not j.is_superseded
    returning d.*, j.duration_ms
  ), ended as (
    delete from delivery d using judged j
    where d.delivery_id = j.delivery_id and d.fence = j.fence and d.state in ('sending', 'pending')
      and (j.state <> 'pending' or j.is_superseded)
    returning d.*, j.state as outcome, j.at, j.status, j.error, j.duration_ms, j.is_counted, j.is_superseded
  ), recorded as (
    insert into delivery_attempt (${recordedColumns.join(', ')}, attempt, at, status, error, duration_ms, outcome)
    select ${recordedColumns.join(', ')}, attempts, last_attempt_at, last_status, last_error, duration_ms, 'retry' from waiting
    union all
    select ${recordedColumns.join(', ')}, attempts + is_counted::integer, at, status, case when is_superseded then 'superseded' else error end, duration_ms,
           case when is_superseded then 'dropped' else outcome end from ended
  ), confirmed as (
    update notified_subscription s set confirmed_at = e.at
    from (select subscription_id, min(at) as at from ended where outcome = 'delivered' group by subscription_id) e
    where s.subscription_id = e.subscription_id and s.confirmed_at is null
  ), urged as (
    -- The newer one takes over the deadline of what it stands for.
    update delivery later set deadline_at = e.deadline_at
    from ended e
    where e.is_superseded and e.notification_type = 'resource' and later.subscription_id = e.subscription_id
      and later.notification_type = 'resource' and later.deadline_at > e.deadline_at
  )
  select delivery_id from waiting union all select delivery_id from ended`;
