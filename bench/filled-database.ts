import { createHash } from 'node:crypto';
import { Client } from 'pg';
import type { ListPlace } from '../src/projections';

/** Subscriptions written at once; each batch is a commit. */
const batchRows = 100_000;
/** Sessions that write at once: one keeps one core busy. */
const sessions = 2;
/** Of the subscriptions, the newest ones have no page of rows behind them. */
const lastPageRows = 100;
const firstStart = Date.parse('2025-01-01T00:00:00Z');
const secondMs = 1_000;

/** A database with many subscriptions, as the service would have left it: persons, streams, events, answers, views. */
export class FilledDatabase {
  constructor(
    private readonly url: string,
    private readonly size: number,
  ) {}

  async fill(): Promise<void> {
    let from = 1;
    await Promise.all(
      Array.from({ length: sessions }, () =>
        this.withSession(async (client) => {
          while (from <= this.size) {
            const first = from;
            from += batchRows;
            await client.query(fillSql, [first, Math.min(this.size, first + batchRows - 1)]);
          }
        }),
      ),
    );
    await this.withSession(async (client) => {
      // What autovacuum would do by itself in the months in which that many subscriptions are made.
      await client.query('vacuum (analyze)');
      await client.query('checkpoint');
    });
  }

  anySubscription(): string {
    return subscriptionId(this.any());
  }

  /** The place of a row that has others behind it. */
  anyPlace(): ListPlace {
    const n = Math.max(lastPageRows, this.any());
    return { startedAt: new Date(firstStart + n * secondMs).toISOString(), subscriptionId: subscriptionId(n) };
  }

  private async withSession(work: (client: Client) => Promise<void>): Promise<void> {
    const client = new Client({ connectionString: this.url });
    await client.connect();
    try {
      await work(client);
    } finally {
      await client.end();
    }
  }

  private any(): number {
    return 1 + Math.floor(Math.random() * this.size);
  }
}

/** As `md5('stream' || n)::uuid` in the statement below. */
function subscriptionId(n: number): string {
  const hex = createHash('md5').update(`stream${n}`).digest('hex');
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  return `${uuid}.1`;
}

const fillSql = `
  with n as materialized (
    select n, md5('stream' || n)::uuid as stream_id, md5('person' || n)::uuid as person_id,
           timestamptz '2025-01-01 00:00:00+00' + n * interval '1 second' as at
    from generate_series($1::integer, $2::integer) as n
  ), persons as (
    insert into person (subject_hash, person_id, sealed_subject, key_id, created_at)
    select sha256(convert_to('person' || n, 'UTF8')), person_id, sha256(convert_to('sealed' || n, 'UTF8')) || sha256('other'), 'filled', at
    from n
  ), streams as (
    insert into stream (stream_id, version, last_epoch, last_xid, due_on)
    select stream_id, 1, 1, pg_current_xact_id(), date '2027-01-01' + n % 365 from n
  ), events as (
    insert into event (epoch, xid, stream_id, version, event_id, type, data, metadata, occurred_at, recorded_at)
    select 1, pg_current_xact_id(), stream_id, 1, gen_random_uuid(), 'nl.medmij.subscription.started.v1',
           jsonb_build_object(
             'subscription_id', stream_id || '.1', 'client_id', 'localhost', 'provider', 'eenofanderezorgaanbieder',
             'service_id', '42', 'person_id', person_id, 'end_date', date '2027-01-01' + n % 365, 'interface_version', '3.0.0',
             'authorization_id', 'bench-' || n, 'authorized_at', at),
           jsonb_build_object('correlation_id', 'bench-' || n, 'causation_id', 'bench-' || n), at, at
    from n
  ), commands as (
    insert into command (key, fingerprint, answer, stream_id, version, recorded_at)
    select 'authorization:filled-' || n, sha256(convert_to('print' || n, 'UTF8')),
           jsonb_build_object('subscription_id', stream_id || '.1', 'status', 'active', 'end_date', '2027-01-01', 'version', 1),
           stream_id, 1, at
    from n
  )
  insert into subscription_view (slot, subscription_id, stream_id, client_id, provider, service_id, person_id, status, end_date,
                                 interface_version, version, started_at, updated_at)
  select 0, stream_id || '.1', stream_id, 'localhost', 'eenofanderezorgaanbieder', '42', person_id, 'active',
         date '2027-01-01' + n % 365, '3.0.0', 1, at, at
  from n`;
