import type { Database } from '../platform';

/** Calls a second to one endpoint at most: of the clients that are named, and of all others if they have a limit too. */
export interface EndpointRates {
  byClient: Readonly<Record<string, number>>;
  others?: number;
}

/** A slice: what may be claimed of an endpoint that has a rate, whether or not anything waits there. */
export interface RateSlice {
  endpoint_id: number;
  client_id: string;
  /** Calls a second. */
  rate: number;
  granted: number;
  /** When there is more, in milliseconds from now; null when all that was wanted is granted. */
  again_in_ms: number | null;
}

/** At most so much of the rate at once, besides one call: in no second are there more calls than the rate, a tenth of it and one. */
const sliceS = 0.1;

/** The rates of endpoints as all processes share them: one row an endpoint, by the clock of the database. */
export class EndpointRateStore {
  constructor(
    private readonly database: Database,
    private readonly rates: EndpointRates,
  ) {}

  /** Undefined: as many as there are. */
  rateOf(clientId: string): number | undefined {
    return Object.hasOwn(this.rates.byClient, clientId) ? this.rates.byClient[clientId] : this.rates.others;
  }

  /**
   * Takes slices for what is due: of each endpoint with a rate up to as many as `wanted` says, or `wantedElse`. Endpoints come with
   * nothing granted when nothing is due there, so that nothing of them is claimed unpaced either.
   */
  take(now: Date, wanted: ReadonlyMap<number, number>, wantedElse: number): Promise<RateSlice[]> {
    return this.database.query<RateSlice>('endpoint-rate.take', takeSql, [
      Object.keys(this.rates.byClient),
      Object.values(this.rates.byClient),
      this.rates.others ?? null,
      [...wanted.keys()],
      [...wanted.values()],
      wantedElse,
      now,
      sliceS,
    ]);
  }

  /** Gives back what was not used of slices, or takes what was used beyond them (a negative number). */
  async settle(unused: readonly (Pick<RateSlice, 'endpoint_id' | 'rate'> & { unused: number })[]): Promise<void> {
    await this.database.query('endpoint-rate.settle', settleSql, [
      unused.map(({ endpoint_id: id }) => id),
      unused.map(({ rate, unused: count }) => count / rate),
    ]);
  }
}

/**
 * The generic cell rate algorithm: each call moves `paced_until` on by its part of a second, and it may lie a slice ahead. What is due
 * is looked for as a claim does it, in the two queues of an endpoint.
 */
const takeSql = `
  with limited as (
    select e.endpoint_id, e.client_id, coalesce(r.rate, $3::float8) as rate,
           case when (e.held_until is null or e.held_until <= $7::timestamptz)
                  and not exists (select 1 from parked_client p where p.client_id = e.client_id)
                  and (exists (select 1 from delivery d where d.state = 'pending' and d.endpoint_id = e.endpoint_id
                                 and d.tried = false and d.due_at <= $7)
                    or exists (select 1 from delivery d where d.state = 'pending' and d.endpoint_id = e.endpoint_id
                                 and d.tried = true and d.due_at <= $7))
                then coalesce(known.wanted, $6::integer) else 0 end as wanted
    from notification_endpoint e
    left join unnest($1::text[], $2::float8[]) as r (client_id, rate) on r.client_id = e.client_id
    left join unnest($4::integer[], $5::integer[]) as known (endpoint_id, wanted) on known.endpoint_id = e.endpoint_id
    where coalesce(r.rate, $3::float8) is not null
  ), locked as (
    -- In order, so that two processes never wait for each other.
    select e.endpoint_id, l.rate, l.wanted, greatest(e.paced_until, clock_timestamp()) as used_until, clock_timestamp() as at
    from limited l join notification_endpoint e on e.endpoint_id = l.endpoint_id
    where l.wanted > 0 order by e.endpoint_id for no key update of e
  ), granted as (
    -- A thousandth of a call more: what was reckoned in microseconds must not cost a whole one.
    select locked.*,
           greatest(0, least(wanted, floor(1.001 + ($8::float8 - extract(epoch from used_until - at)) * rate)))::integer as granted
    from locked
  ), taken as (
    update notification_endpoint e set paced_until = g.used_until + g.granted / g.rate * interval '1 second'
    from granted g where e.endpoint_id = g.endpoint_id and g.granted > 0
  )
  select l.endpoint_id, l.client_id, l.rate, coalesce(g.granted, 0) as granted,
         case when g.granted < g.wanted
              then ((extract(epoch from g.used_until - g.at) + g.granted / g.rate - $8::float8) * 1000)::float8 end as again_in_ms
  from limited l left join granted g on g.endpoint_id = l.endpoint_id`;

const settleSql = `
  update notification_endpoint e
  set paced_until = case when n.seconds > 0 then e.paced_until else greatest(e.paced_until, clock_timestamp()) end
                    - n.seconds * interval '1 second'
  from (
    select e.endpoint_id, n.seconds from unnest($1::integer[], $2::float8[]) as n (endpoint_id, seconds)
    join notification_endpoint e on e.endpoint_id = n.endpoint_id order by e.endpoint_id for no key update of e
  ) n
  where e.endpoint_id = n.endpoint_id`;
