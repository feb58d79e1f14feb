import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditLineStore, type SourcePlace } from '../../src/audit';
import { EventAudit } from '../../src/event-store';
import { AttemptAudit, DeliveryRecords } from '../../src/notifications';
import { Database } from '../../src/platform';
import { SubscriptionCounts, SubscriptionViewStore } from '../../src/projections';
import { Connection } from '../support/connection';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';

/** Large enough that reading a whole table is dear, and that PostgreSQL knows it is. */
const rowsOfEach = 40_000;
/** PostgreSQL decides for a plan of its own for all parameters after five executions (its documentation, PREPARE). */
const askedTimes = 8;
const tables = ['subscription_view_0', 'event', 'delivery', 'delivery_attempt_default', 'audit_line_default'];

const today = '2026-03-01';
const id = 'd3b07384-d9a0-4e9b-8f0a-1c2b3a4d5e6f';
const afterView = { startedAt: '2026-01-01 10:00:00+00', subscriptionId: `${id}.1` };
const afterDelivery = { createdAt: '2026-01-01 10:00:00+00', deliveryId: id };
const afterLine: SourcePlace = { place: '1767261600000000', id: '1' };

type Question = (db: Database) => Promise<unknown>;
const audit = (db: Database) => new AttemptAudit(db, new EventAudit(db));
const views = (db: Database) => new SubscriptionViewStore(db);
const deliveries = (db: Database) => new DeliveryRecords(db);

describe('what operators ask of large tables', () => {
  let database: TestDatabase;
  let connection: Connection;

  beforeAll(async () => {
    database = await createDatabase();
    connection = await Connection.open(database.url);
    // A fifth of each page is used: forty thousand rows then are as large as two hundred thousand.
    for (const table of ['subscription_view_0', 'delivery'])
      await connection.ask(`alter table ${table} set (fillfactor = 20)`);
    const n = `generate_series(1, ${rowsOfEach}) as n`;
    const at = `'2026-01-01'::timestamptz + n * interval '1 second'`;
    await connection.ask(
      `insert into subscription_view (slot, subscription_id, stream_id, client_id, provider, service_id, person_id, status, end_date,
         interface_version, version, started_at, updated_at)
       select 0, md5('s' || n)::uuid || '.1', md5('s' || n)::uuid, 'c' || n % 20, 'p' || n % 20, '42', md5('p' || n)::uuid, 'active',
         '2026-07-01', '3.0.0', 1, ${at}, ${at} from ${n}`,
    );
    await connection.ask(
      `insert into event (epoch, xid, stream_id, version, event_id, type, data, metadata, occurred_at)
       select 1, pg_current_xact_id(), md5('s' || n)::uuid, 1, gen_random_uuid(), 'fact', '{}',
         jsonb_build_object('correlation_id', gen_random_uuid(), 'causation_id', gen_random_uuid()), ${at} from ${n}`,
    );
    await connection.ask(
      `insert into delivery (delivery_id, subscription_id, sequence, client_id, service_id, interface_version, notification_type,
         correlation_id, state, due_at, first_due_at, created_at, deadline_at, endpoint_id)
       select gen_random_uuid(), md5('s' || n) || '.1', 1, 'c' || n % 20, '42', '3.0.0', 'subscription', 'c', 'pending', ${at}, ${at}, ${at}, ${at}, 1
       from ${n}`,
    );
    await connection.ask(
      `insert into delivery_attempt (written_at, delivery_id, attempt, at, duration_ms, outcome, subscription_id, sequence, client_id,
         service_id, interface_version, notification_type, correlation_id, due_at, created_at, deadline_at, fence)
       select ${at}, gen_random_uuid(), 1, ${at}, 5, case when n % 10000 = 0 then 'dead' else 'delivered' end, md5('s' || n) || '.1', 1,
         'c' || n % 20, '42', '3.0.0', case when n % 2 = 0 then 'resource' else 'subscription' end, gen_random_uuid(), ${at}, ${at}, ${at}, 1
       from ${n}`,
    );
    await connection.ask(
      `insert into audit_line (written_at, is_operation, at, who, what, outcome, request_id, correlation_id)
       select ${at}, n % 100 = 0, ${at}, 'who', 'what', 'done', gen_random_uuid(), gen_random_uuid() from ${n}`,
    );
    // Vacuumed by us, and not by autovacuum in the midst of a test: summing up the pages of a BRIN index counts as reading the table.
    await connection.ask('vacuum analyze');
  }, 120_000);
  afterAll(async () => {
    await connection?.close();
    await database?.drop();
  });

  async function scans(): Promise<{ sequential: number; byIndex: number }> {
    // What this session has done itself, filling the tables, is counted now and not a second later.
    await connection.ask('select pg_stat_force_next_flush()');
    await connection.ask('select pg_stat_clear_snapshot()');
    const [row] = await connection.ask<{ sequential: number; byIndex: number }>(
      `select sum(seq_scan)::integer as sequential, sum(idx_scan)::integer as "byIndex" from pg_stat_user_tables
       where relname in (${tables.map((name) => `'${name}'`).join(', ')})`,
    );
    return row!;
  }

  it.each<[string, Question]>([
    ['the newest subscriptions', (db) => views(db).list({}, undefined, 51, today)],
    ['a page of them', (db) => views(db).list({}, afterView, 51, today)],
    ['those of a client', (db) => views(db).list({ client_id: 'c7' }, afterView, 51, today)],
    [
      'those of a provider and service',
      (db) => views(db).list({ provider: 'p7', service_id: '42' }, undefined, 51, today),
    ],
    ['those of a person', (db) => views(db).list({ person_id: randomUUID() }, undefined, 51, today)],
    ['those that are suspended', (db) => views(db).list({ status: 'suspended' }, undefined, 51, today)],
    ['one subscription', (db) => views(db).find(`${randomUUID()}.1`, today)],
    ['the newest deliveries', (db) => deliveries(db).list({}, undefined, 51)],
    ['a page of the dead ones', (db) => deliveries(db).list({ state: 'dead' }, afterDelivery, 51)],
    ['those of a subscription', (db) => deliveries(db).list({ subscription_id: `${id}.1` }, undefined, 51)],
    ['one delivery', (db) => deliveries(db).find(randomUUID())],
    ['the events of a request', (db) => new EventAudit(db).lines({ request_id: randomUUID() }, undefined, 51)],
    ['the events of a conversation', (db) => new EventAudit(db).lines({ correlation_id: randomUUID() }, afterLine, 51)],
    ['the try behind a request', (db) => audit(db).lines({ request_id: randomUUID() }, undefined, 51)],
    ['the tries of a conversation', (db) => audit(db).lines({ correlation_id: randomUUID() }, undefined, 51)],
    ['the steps of a request', (db) => new AuditLineStore(db).lines({ request_id: randomUUID() }, afterLine, 51)],
    [
      'the steps of a conversation',
      (db) => new AuditLineStore(db).lines({ correlation_id: randomUUID() }, undefined, 51),
    ],
    ['what operators did', (db) => new AuditLineStore(db).lines({}, undefined, 51)],
  ])('is answered by indexes, also under a plan that is kept: %s', async (_what, ask) => {
    const before = await scans();
    const db = await Database.connect(database.url);
    for (let times = 0; times < askedTimes; times += 1) await ask(db);
    // A session hands in what it counted at its end.
    await db.close();
    const after = await eventually(async () => {
      const now = await scans();
      expect(now.byIndex).toBeGreaterThanOrEqual(before.byIndex + askedTimes);
      return now;
    });
    expect(after.sequential).toBe(before.sequential);
  });

  /** Rows of a table that were read so far, by whatever way. */
  async function rowsRead(table: string): Promise<number> {
    await connection.ask('select pg_stat_force_next_flush()');
    await connection.ask('select pg_stat_clear_snapshot()');
    const [row] = await connection.ask<{ rows: number }>(
      `select (seq_tup_read + idx_tup_fetch)::integer as rows from pg_stat_user_tables where relname = '${table}'`,
    );
    return row!.rows;
  }

  const counts = (db: Database) => new SubscriptionCounts(db);
  it.each<[string, string, number, (db: Database) => Promise<number>]>([
    ['all subscriptions', 'subscription_view_0', rowsOfEach, async (db) => (await counts(db).byStatus(today)).active],
    ['what waits', 'delivery', rowsOfEach, async (db) => (await deliveries(db).countByState()).pending],
    [
      'the running subscriptions of a client',
      'subscription_view_0',
      rowsOfEach / 20,
      async (db) => (await counts(db).running(['c7'], today)).get('c7')!,
    ],
  ])('is told from a part of a large table: %s', async (_what, table, there, ask) => {
    const before = await rowsRead(table);
    const db = await Database.connect(database.url);
    const told = await ask(db);
    await db.close();
    const read = await eventually(async () => {
      const rows = (await rowsRead(table)) - before;
      expect(rows).toBeGreaterThan(0);
      return rows;
    });
    expect(read).toBeLessThan(0.6 * rowsOfEach);
    expect(Math.abs(told - there)).toBeLessThan(0.1 * there);
  });
});
