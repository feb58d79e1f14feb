import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Fact, LogReader, type Position, type StoredEvent } from '../../src/event-store';
import { Database } from '../../src/platform';
import { SubscriptionCounts } from '../../src/projections';
import { Connection } from '../support/connection';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { ProjectorProcess, type ReaderOf, SubscriptionWriter } from './versions-world';

const today = '2026-03-01';
const name = 'subscriptions';

describe('a new version of the subscription view', () => {
  let database: TestDatabase;
  let db: Database;
  let writer: SubscriptionWriter;
  const processes: ProjectorProcess[] = [];

  beforeEach(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
    writer = new SubscriptionWriter(db);
  });
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((process) => process.stop()));
    await db.close();
    await database.drop();
  });

  const start = async (Reader?: ReaderOf) => {
    const process = await ProjectorProcess.start(database.url, Reader);
    processes.push(process);
    return process;
  };
  const viewOf = async ({ operations }: ProjectorProcess) => (await operations.all())[0]!;
  const isLive = (process: ProjectorProcess, version: number, withinMs = 60_000) =>
    eventually(
      async () => expect(await viewOf(process)).toMatchObject({ version, rebuild: null, lag_events: 0 }),
      withinMs,
    );
  const rowsOf = (slot: 0 | 1) =>
    db.query<Record<string, unknown>>(
      `rows-${slot}`,
      `select * from subscription_view_${slot} order by subscription_id`,
    );
  const contentOf = async (slot: 0 | 1) => (await rowsOf(slot)).map(({ slot: _slot, ...row }) => row);
  /** Marks the rows of a slot, so that the version that a reader sees can be told from the other. */
  const mark = (slot: 0 | 1) =>
    db.query(`mark-${slot}`, `update subscription_view_${slot} set interface_version = 'old'`);

  it('is built beside the live one while all goes on, takes its place in one moment, and equals it', async () => {
    const process = await start();
    const { ids, position } = await writer.begin(300, 'initial');
    await process.wait.until(position);
    await mark(0);
    expect(await viewOf(process)).toMatchObject({ name, version: 1, rebuild: null, parked: 0 });

    let isOver = false;
    const seen: string[] = [];
    const reading = (async () => {
      while (!isOver) {
        const rows = await process.views.list({ client_id: 'initial' }, undefined, 500, today);
        const versions = new Set(rows.map((row) => row.interface_version));
        seen.push(`${rows.length} ${[...versions].join('+')}`);
      }
    })();
    const written: string[] = [];
    const writing = (async () => {
      while (!isOver) {
        const begun = await writer.begin(5, 'meanwhile');
        await writer.adjust(begun.ids.slice(0, 2), 'meanwhile', '2099-02-02');
        // Read your own write, on whichever side of the switch it falls.
        const adjusted = begun.ids[0]!;
        await process.wait.until(await writer.adjust([adjusted], 'meanwhile', '2099-03-03'));
        expect(await process.views.find(adjusted, today)).toMatchObject({ end_date: '2099-03-03', version: 3 });
        written.push(...begun.ids);
      }
    })();
    expect(await process.operations.rebuild(name)).toMatchObject({ version: 1, rebuild: { version: 2, progress: 0 } });
    await eventually(async () => expect(await viewOf(process)).toMatchObject({ version: 2, rebuild: null }));
    const count = seen.length;
    await eventually(() => expect(seen.length).toBeGreaterThan(count + 5));
    isOver = true;
    await Promise.all([reading, writing]);

    const kinds = seen.filter((one, index) => one !== seen[index - 1]);
    expect(kinds).toEqual(['300 old', '300 3.0.0']);
    expect(written.length).toBeGreaterThan(0);
    await isLive(process, 2);
    const { differing, checked } = await process.check.compare();
    expect([differing, checked]).toEqual([[], expect.any(Number)]);
    expect(await new SubscriptionCounts(db).byStatus(today)).toMatchObject({ active: ids.length + written.length });
    for (const id of ids.slice(0, 5)) expect(await process.views.find(id, today)).toMatchObject({ version: 1 });
  });

  it('holds the same rows as the one that was kept up to date all along', async () => {
    const process = await start();
    const { ids } = await writer.begin(200, 'a');
    await writer.adjust(ids.slice(50), 'a', '2099-05-05');
    await process.wait.until(await writer.adjust(ids.slice(100), 'a', '2099-06-06'));
    const live = await contentOf(0);
    await process.operations.rebuild(name);
    await isLive(process, 2);
    expect(await contentOf(1)).toEqual(live);
    // And once more, in the slot of the first.
    await process.operations.rebuild(name);
    await isLive(process, 3);
    expect(await contentOf(0)).toEqual(live);
  });

  it('gives way to the one before it again, which is caught up first and not built anew', async () => {
    const process = await start();
    expect(await process.operations.switchBack(name)).toBe('no_version');
    const { ids, position } = await writer.begin(20, 'a');
    await process.wait.until(position);
    await mark(0);
    await process.operations.rebuild(name);
    await isLive(process, 2);
    const later = await writer.begin(10, 'b');
    await process.wait.until(await writer.adjust(ids.slice(0, 5), 'a', '2099-04-04'));
    await eventually(() => expect(process.lines.map(({ msg }) => msg)).toContain('projection.switched'));

    expect(await process.operations.switchBack(name)).toMatchObject({ version: 2, rebuild: { version: 1 } });
    await isLive(process, 1);
    const rows = await process.views.list({}, undefined, 100, today);
    expect(rows).toHaveLength(30);
    const marked = rows.filter((row) => row.interface_version === 'old').map((row) => row.subscription_id);
    expect(marked.sort()).toEqual(ids.slice(5).sort());
    for (const id of [...later.ids, ...ids.slice(0, 5)])
      expect(await process.views.find(id, today)).toMatchObject({ interface_version: '3.0.0' });

    // And forward again; then a rebuild takes the place of the one that is not live.
    await process.operations.switchBack(name);
    await isLive(process, 2);
    await process.operations.rebuild(name);
    expect(await process.operations.switchBack(name)).toBe('no_version');
    await isLive(process, 3);
  });

  it('is asked for twice and built once, and what is no projection has none', async () => {
    const process = await start();
    await process.wait.until((await writer.begin(10, 'a')).position);
    const both = await Promise.all([process.operations.rebuild(name), process.operations.rebuild(name)]);
    expect(both.map((view) => view?.rebuild?.version)).toEqual([2, 2]);
    await isLive(process, 2);
    expect(await process.operations.rebuild('nothing')).toBeUndefined();
    expect(await process.operations.switchBack('nothing')).toBeUndefined();
    expect(await process.operations.verify('nothing')).toBeUndefined();
  });

  it('of a log without events is there at once', async () => {
    const process = await start();
    await process.operations.rebuild(name);
    await isLive(process, 2);
    const { position, ids } = await writer.begin(1, 'a');
    await process.wait.until(position);
    expect(await process.views.find(ids[0]!, today)).toBeDefined();
  });

  it('is finished by another process when the one that built it is gone half-way', async () => {
    const first = await start(Halting);
    const { ids } = await writer.begin(400, 'a');
    await first.wait.until(await writer.adjust(ids.slice(0, 100), 'a', '2099-05-05'));
    const live = await contentOf(0);
    Halting.haltAfter = 3;
    await first.operations.rebuild(name);
    await eventually(async () => expect(Number((await viewOf(first)).rebuild?.progress)).toBeGreaterThan(0));
    await eventually(() => expect(Halting.haltAfter).toBe(0));
    expect((await rowsOf(1)).length).toBeGreaterThan(0);
    expect((await rowsOf(1)).length).toBeLessThan(400);
    // As a killed process leaves it: no lease is given back, no renewal comes any more.
    await first.database.close();
    processes.splice(processes.indexOf(first), 1);
    void first.versions.stop();

    const second = await start();
    await isLive(second, 2);
    expect(await contentOf(1)).toEqual(live);
    const builder = second.lines.find(({ reader }) => reader === 'projection:subscriptions:1');
    expect(builder).toMatchObject({ msg: 'log.reader.took_over' });
    expect(builder!.position).not.toMatch(/^0+-0+-0+$/);
    expect(second.lines.filter(({ msg }) => msg === 'projection.switched')).toHaveLength(1);
  });

  it('is built and switched once by several processes, and the slot left behind is nobody’s any more', async () => {
    const all = [await start(), await start(), await start()];
    const { ids, position } = await writer.begin(100, 'a');
    await all[0]!.wait.until(position);
    await all[1]!.operations.rebuild(name);
    await isLive(all[2]!, 2);
    await eventually(async () => {
      const held = await db.query<{ name: string }>(
        'held',
        `select name from log_reader where lease_until > clock_timestamp() and name like 'projection:%'`,
      );
      expect(held).toEqual([{ name: 'projection:subscriptions:1' }]);
    });
    const switched = all.flatMap(({ lines }) => lines.filter(({ msg }) => msg === 'projection.switched'));
    expect(switched).toEqual([expect.objectContaining({ version: 2, task: 'rebuild' })]);
    const next = await writer.adjust(ids.slice(0, 1), 'a', '2099-09-09');
    for (const process of all) {
      await process.wait.until(next);
      expect(await process.views.find(ids[0]!, today)).toMatchObject({ end_date: '2099-09-09' });
    }
  });

  it('waits for who is reading, and lets other readers through meanwhile', async () => {
    const process = await start();
    const { ids, position } = await writer.begin(10, 'a');
    await process.wait.until(position);
    const reader = await Connection.open(database.url);
    await reader.begin();
    await reader.ask('select count(*) from subscription_view');
    await process.operations.rebuild(name);
    let slowestMs = 0;
    const end = performance.now() + 3_000;
    await eventually(async () => {
      const began = performance.now();
      expect(await process.views.find(ids[0]!, today)).toBeDefined();
      slowestMs = Math.max(slowestMs, performance.now() - began);
      expect(performance.now()).toBeGreaterThan(end);
    });
    expect(slowestMs).toBeLessThan(1_000);
    expect(await viewOf(process)).toMatchObject({ version: 1, rebuild: { version: 2, progress: 0 } });
    await reader.rollback();
    await reader.close();
    await isLive(process, 2);
  });

  it('does not take the place of one that knows more, until what it stumbled over has been replayed', async () => {
    const process = await start();
    const { ids, position } = await writer.begin(10, 'a');
    await process.wait.until(position);
    const streamId = ids[0]!.split('.')[0];
    await db.query('break', `update event set data = data - 'end_date' where stream_id = $1`, [streamId]);
    await process.operations.rebuild(name);
    const [parked] = await eventually(async () => {
      const rows = await process.parked.list(undefined, 10);
      expect(rows).toMatchObject([{ reader: 'projection:subscriptions:1', stream_id: streamId }]);
      return rows;
    });
    await process.wait.until((await writer.begin(1, 'b')).position);
    await eventually(async () =>
      expect(await viewOf(process)).toMatchObject({ version: 1, parked: 0, rebuild: { version: 2, progress: 1 } }),
    );
    await db.query('mend', `update event set data = data || '{"end_date":"2099-01-01"}' where stream_id = $1`, [
      streamId,
    ]);
    await process.parked.askReplay(parked!.id);
    await isLive(process, 2);
    expect(await process.views.find(ids[0]!, today)).toMatchObject({ end_date: '2099-01-01' });
  });

  it('mends what the live one has parked', async () => {
    const process = await start();
    const { ids, position } = await writer.begin(3, 'a');
    await process.wait.until(position);
    await db.query('park', parkByHand, [ids[0]!.split('.')[0]]);
    await process.operations.rebuild(name);
    await isLive(process, 2);
    expect(await viewOf(process)).toMatchObject({ parked: 0 });
  });
});

const parkByHand = `
  insert into parked_stream (log, reader, stream_id, version, position, error)
  values ('main', 'projection:subscriptions:0', $1, 1, '', 'of an older release')`;

/** Small pages, and none any more after a while: whoever reads on then waits for ever, as in a process that was killed. */
class Halting extends LogReader {
  /** Pages from the start of the log on that are still given; undefined lets everything through. */
  static haltAfter: number | undefined;

  override async page<F extends Fact>(after: Position, limit: number): Promise<StoredEvent<F>[]> {
    const page = await super.page<F>(after, Math.min(limit, 50));
    if (Halting.haltAfter === undefined || page.length === 0) return page;
    if (Halting.haltAfter === 0) return new Promise(() => undefined);
    Halting.haltAfter -= 1;
    return page;
  }
}
