import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '../../src/platform';
import { DriftCheck } from '../../src/projections/drift-check';
import { TestClock } from '../support/clock';
import { createDatabase, type TestDatabase } from '../support/database';
import { ProjectorProcess, SubscriptionWriter } from './versions-world';

const name = 'subscriptions';
const dayMs = 24 * 60 * 60 * 1000;

describe('the comparison of the subscription view with a fresh fold', () => {
  let database: TestDatabase;
  let process: ProjectorProcess;
  let writer: SubscriptionWriter;
  let ids: string[];
  beforeEach(async () => {
    database = await createDatabase();
    process = await ProjectorProcess.start(database.url);
    writer = new SubscriptionWriter(process.database);
    ({ ids } = await writer.begin(30, 'a'));
    await process.wait.until(await writer.adjust(ids.slice(0, 10), 'a', '2099-05-05'));
  });
  afterEach(async () => {
    await process.stop();
    await database.drop();
  });

  const run = (sql: string, ...values: unknown[]) => process.database.query(sql, sql, values);

  it('finds nothing where the view is what the log says', async () => {
    expect(await process.operations.verify(name)).toEqual({
      version: 1,
      position: expect.stringMatching(/^[0-9a-f]{8}-/),
      checked: 30,
      differing: [],
    });
  });

  it('finds what was altered, removed or added by hand, and says where', async () => {
    await run(`update subscription_view set status = 'suspended', version = 7 where subscription_id = $1`, ids[3]);
    await run('delete from subscription_view where subscription_id = $1', ids[20]);
    await run(
      `insert into subscription_view_0 select 'f' || subscription_id, stream_id, client_id, provider, service_id, person_id, status,
         end_date, interface_version, version, started_at, updated_at, end_reason, suspended_by, slot
       from subscription_view_0 where subscription_id = $1`,
      ids[5],
    );
    const found = await process.operations.verify(name);
    expect(found?.checked).toBe(31);
    expect(found?.differing).toHaveLength(3);
    expect(found?.differing).toEqual(
      expect.arrayContaining([
        { subscription_id: ids[3], problem: 'differs', fields: ['version', 'status'] },
        { subscription_id: ids[20], problem: 'missing', fields: [] },
        { subscription_id: `f${ids[5]}`, problem: 'surplus', fields: [] },
      ]),
    );
  });

  it('takes no event for a difference that is still on its way, or whose stream is parked', async () => {
    await process.versions.stop();
    await writer.adjust(ids.slice(0, 5), 'a', '2099-07-07');
    await writer.begin(5, 'b');
    expect(await process.operations.verify(name)).toMatchObject({ checked: 30, differing: [] });
    const behind = ids[0]!;
    await run(`update subscription_view set version = 1, end_date = '2099-01-01' where subscription_id = $1`, behind);
    expect((await process.operations.verify(name))?.differing).toHaveLength(1);
    await run(
      `insert into parked_stream (log, reader, stream_id, version, position, error)
       values ('main', 'projection:subscriptions:0', $1, 2, '', 'a test')`,
      behind.split('.')[0],
    );
    await run(`update subscription_view v set updated_at = started_at where subscription_id = $1`, behind);
    expect(await process.operations.verify(name)).toMatchObject({ checked: 30, differing: [] });
  });

  it('takes a sample of a larger view, by chance', async () => {
    const { ids: many, position } = await writer.begin(1_500, 'many');
    await process.wait.until(position);
    const found = await process.operations.verify(name);
    expect(found?.checked).toBeGreaterThan(200);
    expect(found?.checked).toBeLessThanOrEqual(400);
    expect(found?.differing).toEqual([]);
    await run(`update subscription_view set client_id = 'another' where client_id = 'many'`);
    const differing = (await process.operations.verify(name))!.differing;
    expect(differing.length).toBeGreaterThan(100);
    expect(many).toEqual(expect.arrayContaining(differing.map(({ subscription_id: id }) => id)));
  });

  it('is made once a day by one of the processes, which says what it found', async () => {
    const clock = new TestClock();
    const lines: Record<string, unknown>[] = [];
    const log = createLogger('info', {
      write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>),
    });
    /** What several processes do at a moment, each of them looking once. */
    const look = async () => {
      const checks = Array.from({ length: 3 }, () => new DriftCheck(process.check, process.store, clock, log));
      for (const check of checks) check.start();
      await Promise.all(checks.map((check) => check.stop()));
    };
    await look();
    expect(lines).toMatchObject([{ msg: 'projection.checked', checked: 30 }]);
    expect(await process.store.find(name)).toMatchObject({ differing: 0, checked_at: expect.any(Date) });

    await run(`update subscription_view set provider = 'another' where subscription_id = $1`, ids[7]);
    await look();
    expect(lines).toHaveLength(1);
    clock.advance(dayMs + 60_000);
    await look();
    expect(lines.slice(1)).toMatchObject([
      {
        level: 'error',
        msg: 'projection.drifted',
        differing: [{ subscription_id: ids[7], problem: 'differs', fields: ['provider'] }],
      },
    ]);
    expect(await process.store.find(name)).toMatchObject({ differing: 1 });
  });

  it('is made by another process when the one that took it upon itself is gone', async () => {
    const clock = new TestClock();
    expect(await process.store.takeDueCheck(name, clock.now(), 600_000)).toBe(true);
    expect(await process.store.takeDueCheck(name, clock.now(), 600_000)).toBe(false);
    clock.advance(601_000);
    expect(await process.store.takeDueCheck(name, clock.now(), 600_000)).toBe(true);
    await process.store.noteChecked(name, clock.now(), 0);
    clock.advance(dayMs - 60_000);
    expect(await process.store.takeDueCheck(name, clock.now(), 600_000)).toBe(false);
  });
});
