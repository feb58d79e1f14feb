import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ClaimedDelivery } from '../../src/notifications/delivery';
import { type ClaimLimits, DeliveryQueue } from '../../src/notifications/delivery-queue.store';
import { DeliveryRecords } from '../../src/notifications/delivery-records.store';
import { DeliveryStore } from '../../src/notifications/delivery.store';
import { EndpointStore } from '../../src/notifications/endpoint.store';
import type { Plan } from '../../src/notifications/notification.planner';
import { Database } from '../../src/platform';
import { Connection } from '../support/connection';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';

/** Due at a client that hangs; a step of its size would show in the time of every claim. */
const hangingCount = 100_000;
const healthyCount = 5_000;
const now = new Date('2026-03-01T12:00:00Z');
const later = new Date('2026-03-02T12:00:00Z');
const leaseMs = 600_000;
const limits: ClaimLimits = { total: 100, tried: 50, unproven: 100, room: 100, rooms: new Map() };
/** PostgreSQL decides for a plan of its own for all parameters after five executions (its documentation, PREPARE). */
const askedTimes = 10;

/** What one page of the log has planned, of each step of a life, and a change of the data of the same subscriptions. */
const pageSize = 50;
const told = { client_id: 'healthy.example', service_id: '42', interface_version: '3.0.0', provider: 'aanbieder' };

function notify(subscription_id: string, sequence: number): Plan {
  return {
    kind: 'notify',
    subscriptionId: subscription_id,
    sequence,
    starts: sequence === 1,
    ends: sequence === 3,
    occurredAt: now,
    notification: {
      ...told,
      delivery_id: randomUUID(),
      subscription_id,
      sequence,
      person_id: randomUUID(),
      notification_type: 'subscription',
      end_date: '2026-07-01',
      correlation_id: 'conversation',
    },
  };
}

describe('a plan, a claim and a completion beside a large backlog', () => {
  let database: TestDatabase;
  let connection: Connection;
  let db: Database;
  let queue: DeliveryQueue;

  beforeAll(async () => {
    database = await createDatabase();
    // The plans are made while the tables are empty and known to be, and nothing tells PostgreSQL that they have grown.
    db = await Database.connect(database.url);
    queue = new DeliveryQueue(db);
    for (let times = 0; times < askedTimes; times += 1) await work();
    await planLives();
    await db.query('empty', 'truncate delivery, notified_subscription');
    await db.query('see-empty', 'vacuum (analyze) delivery, notified_subscription');
    for (let times = 0; times < askedTimes; times += 1) await planLives();
    // What this session has read until now is no reading of the backlog.
    await db.query('hand-in', 'select pg_stat_force_next_flush()');
    connection = await Connection.open(database.url);
    for (const table of ['delivery', 'notified_subscription'])
      await connection.ask(`alter table ${table} set (autovacuum_enabled = false)`);
    await connection.ask(
      `insert into notification_endpoint (client_id, service_id, interface_version, notification_type)
       select client_id, '42', '3.0.0', 'subscription' from unnest(array['hanging.example', 'healthy.example']) as c (client_id)
       on conflict do nothing`,
    );
    await fill('hanging.example', hangingCount);
    await fill('healthy.example', healthyCount);
  }, 120_000);
  afterAll(async () => {
    await db?.close();
    await connection?.close();
    await database?.drop();
  });

  const fill = (clientId: string, count: number) =>
    connection.ask(
      `insert into delivery (delivery_id, subscription_id, sequence, client_id, service_id, interface_version, notification_type,
         correlation_id, state, due_at, first_due_at, created_at, deadline_at, endpoint_id)
       select gen_random_uuid(), '${clientId} ' || n, 1, '${clientId}', '42', '3.0.0',
         case when '${clientId}' like 'hang%' and n % 2 = 0 then 'resource' else 'subscription' end, 'conversation', 'pending',
         '2026-02-01'::timestamptz + n * interval '1 ms', now(), now(), now(), endpoint_id
       from generate_series(1, ${count}) as n, notification_endpoint where client_id = '${clientId}'`,
    );
  async function work(): Promise<ClaimedDelivery[]> {
    const claimed = await queue.claimDue(now, limits, leaseMs);
    await queue.complete(
      claimed.map((delivery, n) => {
        const attempt = { at: now, status: 204, error: null, durationMs: 1 };
        const isRetried = n % 10 === 0;
        return {
          delivery,
          completion: isRetried
            ? { state: 'pending', attempt, dueAt: later, isCounted: true }
            : { state: 'delivered', attempt, isCounted: true },
        };
      }),
      [...new Set(claimed.map(({ endpoint_id: id }) => id))],
    );
    return claimed;
  }
  /** In transactions as the planner and resource changes have them. */
  async function planLives(): Promise<void> {
    const store = new DeliveryStore();
    const ids = Array.from({ length: pageSize }, () => `${randomUUID()}.1`);
    const planAll = (planOf: (id: string) => Plan) =>
      db.transaction((queries) => store.enqueue(ids.map(planOf), now, queries));
    await planAll((id) => notify(id, 1));
    const change = { sequence: 1, person_id: randomUUID(), correlation_id: 'conversation', deadline_at: later };
    const changes = ids.map((subscription_id) => ({ ...told, ...change, subscription_id }));
    await db.transaction((queries) => store.enqueueResources(changes, now, queries));
    await planAll((subscriptionId) => ({ kind: 'suspend', subscriptionId, sequence: 2 }));
    await planAll((id) => notify(id, 3));
  }
  async function sequentialScans(): Promise<number> {
    await connection.ask('select pg_stat_clear_snapshot()');
    const [row] = await connection.ask<{ scans: number }>(
      `select sum(seq_scan)::integer as scans from pg_stat_user_tables where relname in ('delivery', 'notified_subscription')`,
    );
    return row!.scans;
  }

  /** Ends the session that works: only then it has handed in all that it counted. Another one goes on. */
  async function endSession(): Promise<void> {
    await db.close();
    await eventually(async () =>
      expect(
        await connection.ask(
          `select 1 from pg_stat_activity
           where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`,
        ),
      ).toEqual([]),
    );
    db = await Database.connect(database.url);
    queue = new DeliveryQueue(db);
  }
  /** Entries of the queue that were read, by whatever way. */
  async function entriesRead(): Promise<number> {
    await connection.ask('select pg_stat_clear_snapshot()');
    const [row] = await connection.ask<{ rows: number }>(
      `select (t.seq_tup_read + sum(i.idx_tup_read))::integer as rows
       from pg_stat_user_tables t join pg_stat_user_indexes i using (relid) where t.relname = 'delivery' group by t.seq_tup_read`,
    );
    return row!.rows;
  }

  it('reads nothing else of the backlog, under plans that were made while the tables were empty', async () => {
    const before = { scans: await sequentialScans(), entries: await entriesRead() };
    for (let times = 0; times < askedTimes; times += 1) expect(await work()).toHaveLength(100);
    expect(await queue.extend([], leaseMs)).toEqual(new Set());
    expect(await queue.freeExpired(10)).toBe(0);
    for (let times = 0; times < askedTimes; times += 1) await planLives();
    await endSession();
    expect(await sequentialScans()).toBe(before.scans);
    // Of each delivery and each subscription the few that concern it.
    const few = 30 * askedTimes * (100 + pageSize);
    const read = (await entriesRead()) - before.entries;
    expect(read).toBeGreaterThan(askedTimes * 100);
    expect(read).toBeLessThan(few);
  });

  it('gets past a client that hangs to one that does not in as good as no time', async () => {
    const [hanging] = await connection.ask<{ endpoint_id: number }>(
      `select endpoint_id from notification_endpoint where client_id = 'hanging.example'`,
    );
    await new EndpointStore(db).recordFailures(
      new Map([[hanging!.endpoint_id, { well: 0, failed: 10, probeFailed: false, askedPauseS: 60 }]]),
      now,
    );
    const timesMs: number[] = [];
    for (let times = 0; times < 20; times += 1) {
      const startedMs = performance.now();
      const claimed = await queue.claimDue(now, { ...limits, total: 20 }, leaseMs);
      timesMs.push(performance.now() - startedMs);
      expect(new Set(claimed.map(({ client_id: id }) => id))).toEqual(new Set(['healthy.example']));
    }
    timesMs.sort((one, other) => one - other);
    // One look over the backlog takes some hundred milliseconds.
    expect(timesMs[10]).toBeLessThan(40);
  });

  it('is counted exactly while there is little, and by what PostgreSQL knows of its tables when there is much', async () => {
    const records = new DeliveryRecords(db);
    const finish = (outcome: string, count: number) =>
      connection.ask(
        `insert into delivery_attempt (delivery_id, attempt, outcome, subscription_id, sequence, client_id, service_id,
           interface_version, notification_type, correlation_id, due_at, created_at, deadline_at, fence)
         select gen_random_uuid(), 1, '${outcome}', 'counted ' || n, 1, 'counted.example', '42', '3.0.0', 'subscription',
           'conversation', now(), now(), now(), 1 from generate_series(1, ${count}) as n`,
      );
    const before = await records.countByState();
    await finish('dead', 7);
    await finish('dropped', 5);
    await finish('retry', 3);
    await finish('delivered', 2);
    await connection.ask('analyze delivery');
    const [waiting] = await connection.ask<{ count: number }>('select count(*)::integer as count from delivery');
    const few = await records.countByState();
    expect([few.dead - before.dead, few.dropped - before.dropped, few.delivered - before.delivered]).toEqual([7, 5, 2]);
    expect(few.pending + few.sending + few.parked).toBeGreaterThan(0.95 * waiting!.count);
    expect(few.pending + few.sending + few.parked).toBeLessThan(1.05 * waiting!.count);

    await finish('delivered', 30_000);
    await connection.ask('analyze delivery_attempt');
    const many = await records.countByState();
    expect([many.dead - before.dead, many.dropped - before.dropped]).toEqual([7, 5]);
    expect(many.delivered).toBeGreaterThan(0.95 * (before.delivered + 30_002));
    expect(many.delivered).toBeLessThan(1.05 * (before.delivered + 30_002));
  });
});
