import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LogReader, type Position, StreamHistories } from '../../src/event-store';
import { startOfLog } from '../../src/event-store/stored-event';
import { Database, type Queries } from '../../src/platform';
import { Connection } from '../support/connection';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';

/** Large enough that reading the whole table is dear, and that PostgreSQL knows it is. */
const eventsMin = 50_000;
/** PostgreSQL decides for a plan of its own for all parameters after five executions (its documentation, PREPARE). */
const askedTimes = 10;

type Question = (reader: LogReader, end: Position, histories: StreamHistories) => Promise<unknown>;

describe('questions to a large log', () => {
  let database: TestDatabase;
  let connection: Connection;

  beforeAll(async () => {
    database = await createDatabase();
    connection = await Connection.open(database.url);
    await connection.ask(
      `insert into event (epoch, xid, stream_id, version, event_id, type, data, metadata, occurred_at)
       select 1, pg_current_xact_id(), md5('stream' || s)::uuid, 1, gen_random_uuid(), 'fact', '{}', '{}', now()
       from generate_series(1, ${eventsMin}) as s`,
    );
    await connection.ask('analyze event');
  });
  afterAll(async () => {
    await connection?.close();
    await database?.drop();
  });

  /** How often the table was read from its start, and how often by an index. */
  async function scans(): Promise<{ sequential: number; byIndex: number }> {
    await connection.ask('select pg_stat_clear_snapshot()');
    const [row] = await connection.ask<{ sequential: number; byIndex: number }>(
      `select seq_scan::integer as sequential, idx_scan::integer as "byIndex" from pg_stat_user_tables where relname = 'event'`,
    );
    return row!;
  }

  it.each<[string, Question]>([
    ['whether something is unread', (reader, end) => reader.hasUnread(end)],
    ['the next page', (reader, end) => reader.page(end, 500)],
    ['how far behind a reader is', (reader, end) => reader.lag(end)],
    ['the end', (reader) => reader.end()],
    ['whether it is ahead of the cluster', (reader) => reader.isAheadOfCluster()],
    ['one stream', (_reader, _end, histories) => histories.stream(randomUUID(), 0, 100)],
  ])('are answered by an index, also under a plan that is kept: %s', async (_what, ask) => {
    const before = await scans();
    const db = await Database.connect(database.url);
    const reader = new LogReader(db, 'main');
    const end = await reader.end();
    expect(end).not.toEqual(startOfLog);
    for (let times = 0; times < askedTimes; times += 1) await ask(reader, end, new StreamHistories(db));
    // A session hands in what it counted at its end.
    await db.close();
    const after = await eventually(async () => {
      const now = await scans();
      expect(now.byIndex).toBeGreaterThanOrEqual(before.byIndex + askedTimes);
      return now;
    });
    expect(after.sequential).toBe(before.sequential);
  });

  it('are told how long a large lag is without counting all of it', async () => {
    const fetched = async () => {
      await connection.ask('select pg_stat_clear_snapshot()');
      const [row] = await connection.ask<{ rows: number }>(
        `select (seq_tup_read + idx_tup_fetch)::integer as rows from pg_stat_user_tables where relname = 'event'`,
      );
      return row!.rows;
    };
    const before = await fetched();
    const db = await Database.connect(database.url);
    await expect(new LogReader(db, 'main').lag(startOfLog)).resolves.toMatchObject({ events: eventsMin });
    await db.close();
    const after = await eventually(async () => {
      const rows = await fetched();
      expect(rows).toBeGreaterThan(before);
      return rows;
    });
    expect(after - before).toBeLessThan(eventsMin / 2);
  });

  it('know the end by the number of its transaction, not by its digits', async () => {
    await connection.begin();
    await connection.ask(`
      insert into event (epoch, xid, stream_id, version, event_id, type, data, metadata, occurred_at)
      select 2, xid::xid8, gen_random_uuid(), 1, gen_random_uuid(), 'fact', '{}', '{}', now()
      from unnest(array['9', '10']) as given (xid)`);
    // Inside the open transaction, so that the log of the other tests stays as it is.
    // Of the database it uses nothing but `query`.
    const reader = new LogReader(connection as Queries as Database, 'main');
    await expect(reader.end()).resolves.toMatchObject({ epoch: 2, xid: '10' });
    await connection.rollback();
  });
});
