import type { Database } from '../platform';
import type { EndpointIdentity, EndpointState } from './endpoint-watch.decider';

/** One server at which a client takes notifications. */
export interface Endpoint {
  clientId: string;
  /** `https://host`, with the port where it is not 443. */
  origin: string;
}

interface EndpointRow {
  client_id: string;
  origin: string;
  names: string[] | null;
  issuer: string | null;
  cname: string | null;
  baseline_at: Date | null;
  doubted_since: Date | null;
  reported: string | null;
}

/** A CNAME that nobody could tell, as it is stored: no host name is empty, and null says that there is none. */
const cnameUnknown = '';

/** What the watch remembers. */
export class EndpointWatchStore {
  constructor(private readonly database: Database) {}

  /** Begins to watch those of these that are not watched yet: they are looked at from `now` on. */
  async add(endpoints: readonly Endpoint[], now: Date): Promise<void> {
    await this.database.query(
      'endpoint-watch.add',
      `insert into watched_endpoint (client_id, origin, look_at) select *, $3 from unnest($1::text[], $2::text[])
       on conflict do nothing`,
      [...columnsOf(endpoints), now],
    );
  }

  /** Forgets every endpoint but these: one that comes back is known by what it shows then. */
  async forgetOthers(endpoints: readonly Endpoint[]): Promise<void> {
    await this.database.query(
      'endpoint-watch.forget-others',
      `delete from watched_endpoint where (client_id, origin) not in (select * from unnest($1::text[], $2::text[]))`,
      columnsOf(endpoints),
    );
  }

  /** Of these, those that are due to be looked at, the longest due first. */
  async due(
    endpoints: readonly Endpoint[],
    now: Date,
    limit: number,
  ): Promise<{ endpoint: Endpoint; state: EndpointState }[]> {
    const rows = await this.database.query<EndpointRow>(
      'endpoint-watch.due',
      `select client_id, origin, names, issuer, cname, baseline_at, doubted_since, reported from watched_endpoint
       where look_at <= $3 and (client_id, origin) in (select * from unnest($1::text[], $2::text[]))
       order by look_at limit $4`,
      [...columnsOf(endpoints), now, limit],
    );
    return rows.map((row) => ({ endpoint: { clientId: row.client_id, origin: row.origin }, state: stateOf(row) }));
  }

  /** What a look has left behind. The moment of the baseline stays while the baseline does. */
  async save({ clientId, origin }: Endpoint, state: EndpointState, now: Date, lookAt: Date): Promise<void> {
    await this.database.query(
      'endpoint-watch.save',
      `update watched_endpoint
       set names = $3, issuer = $4, cname = $5, doubted_since = $6, reported = $7, look_at = $8,
           baseline_at = case when $3::text[] is null then null else coalesce(baseline_at, $9) end
       where client_id = $1 and origin = $2`,
      [
        clientId,
        origin,
        ...baselineColumns(state.baseline),
        state.doubtedSince ?? null,
        state.reported ?? null,
        lookAt,
        now,
      ],
    );
  }

  /** From now on the endpoint is known by this, whatever was held against it. */
  async begin({ clientId, origin }: Endpoint, baseline: EndpointIdentity, now: Date, lookAt: Date): Promise<void> {
    await this.database.query(
      'endpoint-watch.begin',
      `insert into watched_endpoint (client_id, origin, names, issuer, cname, baseline_at, look_at)
       values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (client_id, origin) do update
       set names = excluded.names, issuer = excluded.issuer, cname = excluded.cname, baseline_at = excluded.baseline_at,
           look_at = excluded.look_at, doubted_since = null, reported = null`,
      [clientId, origin, ...baselineColumns(baseline), now, lookAt],
    );
  }
}

function columnsOf(endpoints: readonly Endpoint[]): [string[], string[]] {
  return [endpoints.map(({ clientId }) => clientId), endpoints.map(({ origin }) => origin)];
}

function baselineColumns(baseline: EndpointIdentity | undefined) {
  if (!baseline) return [null, null, null];
  return [baseline.names, baseline.issuer, baseline.cname === undefined ? cnameUnknown : baseline.cname];
}

function stateOf({ names, issuer, cname, doubted_since, reported }: EndpointRow): EndpointState {
  return {
    ...(names && issuer !== null && { baseline: { names, issuer, cname: cname === cnameUnknown ? undefined : cname } }),
    ...(doubted_since && { doubtedSince: doubted_since }),
    ...(reported !== null && { reported }),
  };
}
