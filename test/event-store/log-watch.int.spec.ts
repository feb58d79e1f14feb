import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { LogWatch } from '../../src/event-store';
import { LogHoldStore } from '../../src/event-store/log-hold.store';
import { createLogger, Database } from '../../src/platform';
import { TestService } from '../support/app';
import { type TestCluster, startCluster } from '../support/cluster';
import { Connection } from '../support/connection';
import { createDatabase, createEmptyDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';

const namedWithinMs = 10_000;
/** Of a watch that looks at what is ours alone: as in the service, but sooner. */
const sooner = { lookEveryMs: 200, heldAfterMs: 1_500 };
/** Stands in a statement and must not be found anywhere. */
const secret = 'subject 999900006';

interface Ready {
  checks: Record<string, { status: string; reason?: string }>;
}

describe('a transaction that holds the log back', () => {
  let cluster: TestCluster;
  let ours: TestDatabase;
  let foreign: TestDatabase;
  const connections: Connection[] = [];

  const connect = async (url: string) => {
    const connection = await Connection.open(url);
    connections.push(connection);
    return connection;
  };
  const nameOf = (database: TestDatabase) => new URL(database.url).pathname.slice(1);

  /** A session of another application in another database that wrote something and then stopped. */
  const stall = async (applicationName = 'nightly report') => {
    const url = new URL(foreign.url);
    url.searchParams.set('application_name', applicationName);
    const session = await connect(url.href);
    // It may be ended by the watch.
    session.client.on('error', () => undefined);
    await session.begin();
    await session.takeTransactionId();
    await session.ask(`select '${secret}'`);
    const [row] = await session.ask<{ pid: number }>(`select pg_backend_pid() as pid, '${secret}' as secret`);
    return { session, pid: row!.pid };
  };

  beforeAll(async () => {
    cluster = await startCluster({ max_prepared_transactions: '4' });
    [ours, foreign] = [await createDatabase(cluster.url), await createEmptyDatabase(cluster.url)];
  });
  afterAll(() => cluster?.stop());
  afterEach(async () => {
    await Promise.all(connections.splice(0).map((connection) => connection.close().catch(() => undefined)));
  });

  describe('in a service', () => {
    let service: TestService;
    beforeAll(async () => {
      service = await TestService.start({ DATABASE_URL: ours.url });
    });
    afterAll(() => service?.stop());

    const heldBy = async () => (await service.get('/ops/api/stats')).body.log_held_by;
    const check = async () => (await service.send<Ready>('GET', '/health/ready', {})).body.checks.log!;
    const metric = async () =>
      (await service.send('GET', '/metrics', {})).text.split('\n').find((l) => /^medmij_log_held_seconds/.test(l));
    const logged = (message: string) =>
      service.world.logLines.filter((line) => line.includes(`"${message}"`)).map((line) => JSON.parse(line) as object);

    it('is nobody as a rule', async () => {
      await eventually(async () => expect(await check()).toEqual({ status: 'ok' }));
      expect(await heldBy()).toBeNull();
      expect(await metric()).toBeUndefined();
    });

    it('is named within ten seconds in ops, readiness, metrics and log, until it ends', async () => {
      const begunMs = performance.now();
      const { session, pid } = await stall();
      await eventually(
        async () =>
          expect(await heldBy()).toEqual({
            database: nameOf(foreign),
            pid,
            prepared: null,
            age_s: expect.any(Number),
            query_start: expect.stringMatching(/^\d{4}-.*Z$/),
            state: 'idle in transaction',
            application_name: 'nightly report',
          }),
        namedWithinMs,
      );
      expect(performance.now() - begunMs).toBeLessThan(namedWithinMs);
      const { status, reason } = await check();
      expect(status).toBe('degraded');
      expect(reason).toMatch(
        new RegExp(
          `^a transaction of session ${pid} \\(nightly report\\) in database ${nameOf(foreign)} holds the log`,
        ),
      );
      const [name, seconds] = (await metric())!.split('} ');
      expect(name).toBe(`medmij_log_held_seconds{database="${nameOf(foreign)}",holder="${pid}"`);
      expect(Number(seconds)).toBeGreaterThanOrEqual(4);
      expect(logged('log.held')).toEqual([expect.objectContaining({ level: 'warn', database: nameOf(foreign), pid })]);
      await session.rollback();
      await eventually(async () => expect([await heldBy(), await check()]).toEqual([null, { status: 'ok' }]));
      expect(await metric()).toBeUndefined();
      // Once at its begin, once at its end, and never what it ran.
      expect(logged('log.held')).toHaveLength(1);
      expect(logged('log.released')).toEqual([expect.objectContaining({ level: 'info', pid })]);
      expect(service.world.logLines.join('\n')).not.toContain(secret);
    });

    it('is named when it is a prepared one, by its identifier', async () => {
      const session = await connect(foreign.url);
      await session.begin();
      await session.takeTransactionId();
      await session.ask(`prepare transaction 'billing 17'`);
      await session.close();
      await eventually(
        async () =>
          expect(await heldBy()).toEqual({
            database: nameOf(foreign),
            pid: null,
            prepared: 'billing 17',
            age_s: expect.any(Number),
            query_start: null,
            state: 'prepared',
            application_name: null,
          }),
        namedWithinMs,
      );
      expect((await check()).reason).toMatch(/^the prepared transaction billing 17 in database /);
      expect(await metric()).toContain('holder="billing 17"');
      await (await connect(foreign.url)).ask(`rollback prepared 'billing 17'`);
      await eventually(async () => expect(await heldBy()).toBeNull());
    });
  });

  describe('as one process watches it', () => {
    let lines: { msg: string; pid?: number; level: string }[];
    let database: Database;
    let watch: LogWatch;

    const startWatch = async (endAfterS: number, url = ours.url) => {
      const write = (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]);
      database = await Database.connect(url);
      watch = new LogWatch(new LogHoldStore(database), createLogger('info', { write }), { endAfterS }, sooner);
      watch.start();
    };
    const messages = () => lines.map(({ msg }) => msg);
    beforeEach(() => {
      lines = [];
    });
    afterEach(async () => {
      await watch.stop();
      await database.close();
    });

    it('is not everybody who writes: those who come and go hold nothing', async () => {
      await startWatch(0);
      const writers = await Promise.all([1, 2, 3, 4].map(() => connect(foreign.url)));
      const end = performance.now() + 3 * sooner.heldAfterMs;
      await Promise.all(
        writers.map(async (writer) => {
          while (performance.now() < end) {
            await writer.begin();
            await writer.takeTransactionId();
            await writer.ask('select pg_sleep(0.1)');
            await writer.rollback();
          }
        }),
      );
      expect(watch.heldBy()).toBeUndefined();
      expect(lines).toEqual([]);
    });

    it('is ended where an operator asked for that, after the time asked for, and the next one only in its turn', async () => {
      await startWatch(5);
      const begunMs = performance.now();
      const { session, pid } = await stall();
      const ended = new Promise((resolve) => session.client.once('end', resolve));
      await eventually(() => expect(watch.heldBy()?.pid).toBe(pid));
      await ended;
      expect(performance.now() - begunMs).toBeGreaterThan(5_000);
      await eventually(() => expect(watch.heldBy()).toBeUndefined());
      expect(messages()).toEqual(['log.held', 'log.holder_ended', 'log.released']);
      const next = await stall();
      expect(await next.session.ask('select 1')).toHaveLength(1);
    });

    it('is only named where nobody asked, and still stands after that time', async () => {
      await startWatch(0);
      const { session } = await stall();
      await eventually(() => expect(watch.heldBy()?.age_s).toBeGreaterThan(4));
      expect(await session.ask('select 1')).toHaveLength(1);
      expect(messages()).toEqual(['log.held']);
      await session.rollback();
    });

    it('shows less of itself without the right to see it, but is not hidden; and what may not be ended is said once', async () => {
      const admin = await connect(ours.url);
      await admin.ask(`create role plain login password 'plain'`);
      const url = new URL(ours.url);
      [url.username, url.password] = ['plain', 'plain'];
      await startWatch(2, url.href);
      const { session, pid } = await stall();
      await eventually(() =>
        expect(watch.heldBy()).toEqual({
          database: nameOf(foreign),
          pid,
          prepared: null,
          age_s: expect.any(Number),
          query_start: null,
          state: null,
          application_name: 'nightly report',
        }),
      );
      await eventually(() => expect(watch.heldBy()!.age_s).toBeGreaterThanOrEqual(4));
      expect(messages()).toEqual(['log.held', 'log.holder_not_ended']);
      expect(await session.ask('select 1')).toHaveLength(1);
      await session.rollback();
    });
  });
});
