import type { Database } from '../platform';
import { breakerFailures } from './breaker';
import type { ClaimedDelivery, Completion } from './delivery';
import { recordUntried } from './delivery.store';
import { deadlinesS, lateS } from './retry-schedule';

/** What tells a claim apart from a later one of the same delivery. */
export type Claim = Pick<ClaimedDelivery, 'delivery_id' | 'fence'>;

/** How much of one endpoint may be claimed, and whether it is known to answer. */
export interface Room {
  size: number;
  /** Calls that could begin at once. */
  calls: number;
  isProven: boolean;
}

/** How much may be claimed now. */
export interface ClaimLimits {
  /** In all; of those, the ones that have been tried before, and the ones of endpoints that are not known to answer. */
  total: number;
  tried: number;
  unproven: number;
  /** Of one endpoint, where `rooms` says nothing else (by endpoint id). */
  room: number;
  rooms: ReadonlyMap<number, Room>;
}

/** How long a probe keeps others from probing the same endpoint: longer than a call and the recording of its outcome. */
const probeS = 15;

/** The unfinished deliveries, as those who send them see them. */
export class DeliveryQueue {
  /** `withTraces`: each claim costs one more statement, so only where traces are kept. */
  constructor(
    private readonly database: Database,
    private readonly withTraces = false,
  ) {}

  /**
   * Claims due notifications: of each subscription the oldest unfinished one only, and none while another one of it is being sent;
   * of each endpoint the longest due first, and what was never tried before what was. Endpoints take turns, so that none with
   * much to send stands in front of another.
   */
  async claimDue(now: Date, limits: ClaimLimits, leaseMs: number): Promise<ClaimedDelivery[]> {
    const rooms = [...limits.rooms.values()];
    const claimed = await this.database.query<ClaimedDelivery>(
      'delivery.claim',
      'select * from claim_deliveries($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)',
      [
        now,
        limits.total,
        limits.tried,
        limits.unproven,
        limits.room,
        [...limits.rooms.keys()],
        rooms.map(({ size }) => size),
        rooms.map(({ isProven }) => isProven),
        leaseMs,
        breakerFailures,
        probeS,
      ],
    );
    return this.withTraces && claimed.length > 0 ? this.traced(claimed) : claimed;
  }

  /**
   * Records tries and their outcomes in one statement: what is finished leaves for the log of attempts. Returns the deliveries
   * whose outcome counted; the others have been claimed by somebody else meanwhile, and nothing of them is recorded. The breakers
   * of endpoints that are `well` close.
   */
  async complete(
    outcomes: readonly { delivery: Claim; completion: Completion }[],
    well: readonly number[] = [],
  ): Promise<Set<string>> {
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
      well,
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

  /**
   * Ends, up to `limit`, what is past its whole schedule without having been tried that late: its endpoint has been out of order
   * all the time. What waits for a suspended client or subscription goes on waiting. Returns how many.
   */
  async giveUpOverdue(now: Date, limit: number): Promise<number> {
    const rows = await this.database.query('delivery.give-up', giveUpSql, [
      now,
      deadlinesS.resource + lateS.resource,
      lateS.resource,
      limit,
      breakerFailures,
    ]);
    return rows.length;
  }

  private async traced(claimed: readonly ClaimedDelivery[]): Promise<ClaimedDelivery[]> {
    const rows = await this.database.query<{ delivery_id: string; traceparent: string }>(
      'delivery.traces',
      'select delivery_id, traceparent from delivery where delivery_id = any ($1) and traceparent is not null',
      [claimed.map(({ delivery_id }) => delivery_id)],
    );
    const traces = new Map(rows.map(({ delivery_id, traceparent }) => [delivery_id, traceparent]));
    return claimed.map((delivery) => ({ ...delivery, traceparent: traces.get(delivery.delivery_id) }));
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

const completeSql = `
  select delivery_id from complete_deliveries($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) as delivery_id`;

const giveUpSql = `
  with ended as (
    delete from delivery d
    using (
      select o.delivery_id from delivery o join notification_endpoint e on e.endpoint_id = o.endpoint_id
      where o.created_at < $1::timestamptz - $2::integer * interval '1 second' and o.state = 'pending' and o.due_at < $1
        and o.deadline_at < $1::timestamptz - case o.notification_type when 'resource' then $3::integer else 0 end * interval '1 second'
        and e.failures >= $5
        and not exists (select 1 from parked_client p where p.client_id = o.client_id)
      order by o.created_at limit $4
      for update of o skip locked
    ) overdue
    where d.delivery_id = overdue.delivery_id
    returning d.*
  ) ${recordUntried('dead', `coalesce(last_error, 'endpoint_out_of_order')`)}
  returning 1`;
