import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from 'pg';
import type { LogCheck } from '../test/event-store/log-check';
import type { Load } from './closed-loop';
import { terms } from './person-life';

/** A start, another end date and an end: what each stream of a backlog holds. */
const eventsAStream = 3;
const pollMs = 5;
/** A reader that has not come to the end by then never will. */
const readWithinMs = 300_000;

/**
 * Events in the log that no reader has seen, written in bulk as the append function would have written them one by one.
 * They become visible all at once, when the transaction ends.
 */
export class Backlog {
  private made = 0;

  constructor(
    private readonly client: Client,
    private readonly check: LogCheck,
    /** Whose subscriptions they are, in turns. */
    private readonly clientIds: readonly string[] = [terms.clientId],
  ) {}

  /** Marks up to this one are taken. */
  get lastMark(): number {
    return this.made;
  }

  get streams(): number {
    return this.made / eventsAStream;
  }

  /** Commits `events` events (rounded up to whole streams) and measures until the reader `name` has worked them off. */
  async workedOffBy(name: string, events: number): Promise<Load> {
    const { client } = this;
    await client.query('begin');
    const count = await this.insert(events);
    const startedMs = performance.now();
    await client.query('commit');
    await this.readTo(name);
    return { perSecond: (count / (performance.now() - startedMs)) * 1e3, latenciesMs: [] };
  }

  /** Commits `events` events (rounded up to whole streams) and leaves them to whoever reads. @returns how many */
  async commit(events: number): Promise<number> {
    return this.insert(events);
  }

  private async insert(events: number): Promise<number> {
    const from = this.made;
    const count = Math.ceil(events / eventsAStream) * eventsAStream;
    this.made += count;
    await this.client.query(insertSql, [from / eventsAStream, count / eventsAStream, eventsAStream, this.clientIds]);
    for (let mark = from + 1; mark <= from + count; mark += 1) this.check.commit(mark);
    return count;
  }

  /** Until the reader `name` has worked off all there is. */
  async readTo(name: string): Promise<void> {
    const { rows } = await this.client.query<{ end: string }>(endSql);
    const endMs = performance.now() + readWithinMs;
    while (performance.now() < endMs) {
      const { rows: reached } = await this.client.query<{ position: string }>({
        name: 'reached',
        text: reachedSql,
        values: [name],
      });
      if (reached[0]?.position === rows[0]!.end) return;
      await pause(pollMs);
    }
    throw new Error(`The reader ${name} did not come to the end of the log.`);
  }
}

const insertSql = `
  with made as (
    insert into stream (stream_id, version, last_epoch, last_xid)
    select md5('stream' || s)::uuid, $3, 1, pg_current_xact_id() from generate_series($1::integer, $1 + $2 - 1) as s
    on conflict (stream_id) do nothing
  )
  insert into event (epoch, xid, stream_id, version, event_id, type, data, metadata, occurred_at)
  select 1, pg_current_xact_id(), md5('stream' || s)::uuid, v, gen_random_uuid(),
         'nl.medmij.subscription.' || (array['started', 'adjusted', 'terminated'])[v] || '.v1',
         jsonb_build_object(
           'subscription_id', md5('stream' || s)::uuid || '.1', 'client_id', ($4::text[])[1 + s % cardinality($4::text[])],
           'provider', 'eenofanderezorgaanbieder',
           'service_id', '42', 'person_id', md5('person' || s)::uuid, 'end_date', date '2027-05-21' - v, 'interface_version', '3.0.0',
           'authorization_id', 'bench-' || s * $3 + v, 'authorized_at', '2026-11-22T12:00:00.000Z')
           || case v when 1 then '{}' when 2 then '{"previous_end_date":"2027-05-21"}'
                     else '{"previous_end_date":"2027-05-21","reason":"person"}' end::jsonb,
         jsonb_build_object('correlation_id', 'bench-' || s * $3 + v, 'causation_id', 'bench-' || s * $3 + v), clock_timestamp()
  from generate_series(1, $3::integer) as v, generate_series($1::integer, $1 + $2 - 1) as s
  order by v, s`;

const endSql = `
  select log_position(epoch, xid, pos) as end from event order by epoch desc, xid desc, pos desc limit 1`;

const reachedSql = `select log_position(epoch, xid, pos) as position from log_reader where log = 'main' and name = $1`;
