import { Client } from 'pg';
import type { Load } from './closed-loop';

/** As the projector. */
const pageSize = 1_000;

interface Row {
  epoch: number;
  xid: string;
  pos: string;
  stream_id: string;
  version: number;
  type: string;
  data: Record<string, string>;
  occurred_at: Date;
}

const statusOf: Record<string, string> = { terminated: 'terminated', expired: 'expired', suspended: 'suspended' };

/** Reads the log page by page and writes the rows of the view into a table of its own: no lease, no checkpoint, no looking up. */
export class BareProjection {
  private after: [number, string, string] = [0, '0', '0'];

  private constructor(private readonly client: Client) {}

  static async open(databaseUrl: string): Promise<BareProjection> {
    const client = new Client({ connectionString: databaseUrl });
    await client.connect();
    await client.query('create table bare_view (like subscription_view including all)');
    return new BareProjection(client);
  }

  /** Reads on to the end of the log from where it stopped. */
  async catchUp(): Promise<Load> {
    const { client } = this;
    const startedMs = performance.now();
    let events = 0;
    for (;;) {
      const { rows } = await client.query<Row>({ name: 'page', text: pageSql, values: [...this.after, pageSize] });
      const last = rows.at(-1);
      if (!last) break;
      await client.query({ name: 'write', text: writeSql, values: columnsOf(rows) });
      events += rows.length;
      this.after = [last.epoch, last.xid, last.pos];
    }
    return { perSecond: (events / (performance.now() - startedMs)) * 1e3, latenciesMs: [] };
  }

  async close(): Promise<void> {
    await this.client.end();
  }
}

function columnsOf(rows: readonly Row[]): unknown[][] {
  const views = [...new Map(rows.map((row) => [row.data.subscription_id, row])).values()];
  const of = (name: string) => views.map(({ data }) => data[name]);
  return [
    of('subscription_id'),
    views.map(({ stream_id }) => stream_id),
    of('client_id'),
    of('provider'),
    of('service_id'),
    of('person_id'),
    views.map(({ type }) => statusOf[type.split('.')[3]!] ?? 'active'),
    of('end_date'),
    of('interface_version'),
    views.map(({ version }) => version),
    views.map(({ occurred_at }) => occurred_at),
    views.map(({ data }) => data.reason ?? null),
  ];
}

const pageSql = `
  select epoch, xid::text as xid, pos::text as pos, stream_id, version, type, data, occurred_at from event
  where (epoch, xid, pos) > ($1, $2::xid8, $3) order by epoch, xid, pos limit $4`;

const writeSql = `
  insert into bare_view
  select id, stream, client, provider, service, person, status, ends, interface, version, at, at, reason, null, 0
  from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::date[], $9::text[],
              $10::integer[], $11::timestamptz[], $12::text[])
         as v (id, stream, client, provider, service, person, status, ends, interface, version, at, reason)
  on conflict (slot, subscription_id) do update set
    status = excluded.status, end_date = excluded.end_date, version = excluded.version, updated_at = excluded.updated_at,
    end_reason = excluded.end_reason
  where excluded.version > bare_view.version`;
