import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type AppendRequest,
  ArchiveMonths,
  ArchiveStore,
  type ClosedStream,
  EventStore,
  LogReader,
  StreamHistories,
  positionText,
  startOfLog,
  type StoredEvent,
} from '../../src/event-store';
import { Database, type Queries, Signal } from '../../src/platform';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { seededRandom } from '../support/random';

const trace = { correlation_id: 'c', causation_id: 'c' };
const endedAt = new Date('2026-03-15T12:00:00Z');

describe('a closed stream in the archive', () => {
  let database: TestDatabase;
  let db: Database;
  let store: EventStore;
  let archive: ArchiveStore;
  let months: ArchiveMonths;
  let reader: LogReader;
  let histories: StreamHistories;
  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
    store = new EventStore(db, 'main', new Signal());
    archive = new ArchiveStore(db, 'main');
    months = new ArchiveMonths(db);
    reader = new LogReader(db, 'main');
    histories = new StreamHistories(db);
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });
  beforeEach(async () => {
    await months.make([endedAt]);
    await db.query('forget', 'truncate event, archived_event, stream, command, returned_stream');
    await db.query('forget-log', `update log set archived_epoch = 0, archived_xid = '0', archived_pos = 0`);
  });

  const request = (streamId: string, expectedVersion: number, given: Partial<AppendRequest> = {}): AppendRequest => ({
    streamId,
    expectedVersion,
    facts: [{ type: 'fact', data: { n: expectedVersion + 1 } }],
    dueOn: null,
    trace,
    occurredAt: endedAt,
    ...given,
  });
  const append = async (...given: Parameters<typeof request>) => (await store.append([request(...given)]))[0]!;
  const read = async (streamId: string) => (await store.read([{ target: { streamId } }]))[0]!;
  const toArchive = (...closed: ClosedStream[]) => db.transaction((queries) => archive.archive(closed, queries));
  const closedAt = (stream_id: string, version: number): ClosedStream => ({ stream_id, version, endedAt });
  const versionsOf = (events: readonly StoredEvent[]) => events.map(({ version }) => version);
  /** A stream of `count` events in the archive. */
  const archived = async (count: number): Promise<string> => {
    const id = randomUUID();
    for (let version = 0; version < count; version += 1) await append(id, version);
    expect(await toArchive(closedAt(id, count))).toBe(1);
    return id;
  };
  /** A transaction that holds the row of one stream, and takes that of another one when it is released. */
  const holding = async (id: string, then?: string) => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    let done: Promise<void> = Promise.resolve();
    await new Promise<void>((isHeld, failed) => {
      const hold = (queries: Queries, one: string) =>
        queries.query('hold', 'select 1 from stream where stream_id = $1 for update', [one]);
      done = db.transaction(async (queries) => {
        await hold(queries, id);
        isHeld();
        await released;
        if (then !== undefined) await hold(queries, then);
      });
      done.catch(failed);
    });
    return {
      release: () => {
        release();
        return done;
      },
    };
  };
  const somebodyWaits = () =>
    eventually(async () =>
      expect(
        await db.query(
          'waiting',
          `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
        ),
      ).toHaveLength(1),
    );
  const wholeLog = async (limit: number): Promise<StoredEvent[]> => {
    const all: StoredEvent[] = [];
    for (let after = startOfLog; ;) {
      const page = await reader.page(after, limit);
      all.push(...page);
      if (page.length < limit) return all;
      after = page.at(-1)!.position;
    }
  };

  /** The whole log once nothing else in the cluster holds its end back. */
  const logOf = (count: number, limit: number): Promise<StoredEvent[]> =>
    eventually(async () => {
      const all = await wholeLog(limit);
      expect(all).toHaveLength(count);
      return all;
    });

  it('is read as before: by id, as a history, and in the order of the log', async () => {
    const [id, open] = [randomUUID(), randomUUID()];
    for (let version = 0; version < 3; version += 1) {
      await append(id, version);
      await append(open, version, { dueOn: '2027-01-01' });
    }
    const before = { read: await read(id), history: await histories.stream(id, 1, 10), log: await logOf(6, 2) };
    expect(await toArchive(closedAt(id, 3), closedAt(open, 3))).toBe(1);
    expect(await read(id)).toEqual({ ...before.read, isArchived: true });
    expect(await histories.stream(id, 1, 10)).toEqual(before.history);
    for (const limit of [1, 2, 100]) expect(await logOf(6, limit)).toEqual(before.log);
    const until = before.log.at(-1)!.position;
    const streams = await db.snapshot((queries) => histories.streamsUntil([id, open], until, queries));
    expect(versionsOf(streams).sort()).toEqual([1, 1, 2, 2, 3, 3]);
  });

  it('is still before the end of a log that has nothing else in it', async () => {
    const id = await archived(2);
    const events = await histories.stream(id, 0, 10);
    expect(await reader.end()).toEqual(events[1]!.position);
    expect([await reader.hasUnread(events[0]!.position), await reader.hasUnread(events[1]!.position)]).toEqual([
      true,
      false,
    ]);
    expect([(await reader.lag(startOfLog)).events, (await reader.lag(events[0]!.position)).events]).toEqual([2, 1]);
    expect((await reader.lag(events[1]!.position)).events).toBe(0);
    expect(await reader.isAheadOfCluster()).toBe(false);
    await db.query('far', `update log set archived_epoch = epoch, archived_xid = '9000000000000000000'`);
    expect(await reader.isAheadOfCluster()).toBe(true);
  });

  it('is not archived when it goes on, or has gone on since', async () => {
    const [running, later] = [randomUUID(), randomUUID()];
    await append(running, 0, { dueOn: '2027-01-01' });
    await append(later, 0);
    await append(later, 1);
    expect(await toArchive(closedAt(running, 1), closedAt(later, 1))).toBe(0);
    expect((await read(later)).isArchived).toBeUndefined();
  });

  it('comes back whole when somebody writes to it, with the positions that it had', async () => {
    const id = await archived(2);
    const before = await histories.stream(id, 0, 10);
    const { isArchived, events } = await read(id);
    expect(await append(id, events.length, { isArchived })).toMatchObject({ outcome: 'appended' });
    expect((await histories.stream(id, 0, 10)).slice(0, 2)).toEqual(before);
    expect(versionsOf((await read(id)).events)).toEqual([1, 2, 3]);
    expect(await db.query('left', 'select 1 from archived_event')).toEqual([]);
    expect(versionsOf(await logOf(3, 2))).toEqual([1, 2, 3]);
  });

  it.each(['alone', 'in a batch'])('takes nothing from whoever read it before it went (%s)', async (how) => {
    const [id, other] = [randomUUID(), randomUUID()];
    await append(id, 0);
    await toArchive(closedAt(id, 1));
    const requests = how === 'alone' ? [request(id, 1)] : [request(id, 1), request(other, 0)];
    const [late] = await store.append(requests);
    expect(late).toMatchObject({ outcome: 'conflict' });
    expect(versionsOf((await read(id)).events)).toEqual([1]);
  });

  it.each(['alone', 'in a batch'])('answers a command that changes nothing, with its position (%s)', async (how) => {
    const [id, other] = [randomUUID(), randomUUID()];
    const appended = await append(id, 0);
    await toArchive(closedAt(id, 1));
    const key = randomUUID();
    const command = { key, fingerprint: Buffer.from('f'), answer: { a: 1 } };
    const nothing = request(id, 1, { facts: [], command });
    // Read before it went, so it is not known to be archived.
    const [late] = await store.append(how === 'alone' ? [nothing] : [nothing, request(other, 0)]);
    expect(late).toEqual({ outcome: 'conflict', cause: 'archived' });
    const [again] = await store.read([{ target: { streamId: id }, commandKey: key }]);
    expect(again!.command).toMatchObject({ answer: { a: 1 }, position: (appended as { position: string }).position });
  });

  it('is destroyed with all that the log knows of it, and then its month; others stay', async () => {
    const [one, two] = [await archived(2), await archived(3)];
    const [kept] = [randomUUID()];
    const laterEnd = new Date('2026-04-01T00:00:00Z');
    await append(kept, 0);
    await months.make([laterEnd]);
    await toArchive({ stream_id: kept, version: 1, endedAt: laterEnd });
    const april = new Date('2026-04-01T00:00:00Z');
    const records: { from: Date; to: Date; rows: number }[] = [];
    const record = (destroyed: (typeof records)[number]) => Promise.resolve(void records.push(destroyed));
    const destroy = (limit: number) => db.transaction((queries) => months.destroy(april, limit, queries));
    const first = await destroy(1);
    expect(first.streams).toBe(1);
    // A month with something in it stays.
    await months.drop(april, record);
    expect(records).toEqual([]);
    const second = await destroy(10);
    expect(second.streams).toBe(1);
    expect(await destroy(10)).toEqual({ streams: 0, events: [] });
    await months.drop(april, record);
    expect(records).toEqual([{ from: new Date('2026-03-01T00:00:00Z'), to: april, rows: 5 }]);
    const destroyed = [...first.events, ...second.events].map(({ stream_id: id }) => id);
    expect(destroyed.sort()).toEqual([one, one, two, two, two].sort());
    expect((await read(one)).events).toEqual([]);
    expect(versionsOf((await read(kept)).events)).toEqual([1]);
    await logOf(1, 10);
  });

  it('is not torn apart when it went and came back while another archiver waited for its neighbour', async () => {
    const [neighbour, id] = [randomUUID(), randomUUID()].sort() as [string, string];
    for (const one of [neighbour, id]) await append(one, 0);
    const held = await holding(neighbour);
    const waiting = toArchive(closedAt(neighbour, 1), closedAt(id, 1));
    await somebodyWaits();
    expect(await toArchive(closedAt(id, 1))).toBe(1);
    await archive.moveBack([id]);
    await Promise.all([held.release(), waiting]);
    // Wherever it is, it can be read and written to.
    const { events, isArchived } = await read(id);
    expect(await append(id, events.length, { isArchived })).toMatchObject({ outcome: 'appended' });
  });

  it('keeps the position of an answer that is asked for while it comes back', async () => {
    const id = randomUUID();
    const command = { key: randomUUID(), fingerprint: Buffer.from('f'), answer: { a: 1 } };
    const appended = (await append(id, 0, { command })) as { position: string };
    const positions = new Map([[command.key, appended.position]]);
    await toArchive(closedAt(id, 1));
    expect(await archive.positionsOf([command.key])).toEqual(positions);
    await archive.moveBack([id]);
    expect(await archive.positionsOf([command.key])).toEqual(positions);
  });

  it('of two that cross each other in coming back, one is told to read again', async () => {
    const [one, other] = [await archived(1), await archived(1)].sort() as [string, string];
    // Somebody who takes the rows the other way round, as no room of ours does.
    const held = await holding(other, one);
    const appending = store.append([one, other].map((id) => request(id, 1, { isArchived: true })));
    await somebodyWaits();
    const [crossed, results] = await Promise.allSettled([held.release(), appending]);
    expect(results.status).toBe('fulfilled');
    const outcomes = results.status === 'fulfilled' ? results.value.map(({ outcome }) => outcome) : [];
    expect(outcomes).toEqual(Array(2).fill(crossed.status === 'fulfilled' ? 'conflict' : 'appended'));
  });

  it('is in one place, complete and in order, whatever writes, archives and reads at the same time', async () => {
    const random = seededRandom(20261123);
    const streams = Array.from({ length: 40 }, () => randomUUID());
    const acknowledged = new Map<string, number>(streams.map((id) => [id, 0]));
    let isOver = false;
    /** Reads, decides and appends, as an order book does; a conflict is tried again. */
    const writeTo = async (id: string): Promise<void> => {
      for (;;) {
        const known = acknowledged.get(id)!;
        const { events, isArchived } = await read(id);
        expect(versionsOf(events)).toEqual(Array.from({ length: events.length }, (_, index) => index + 1));
        expect(events.length).toBeGreaterThanOrEqual(known);
        const dueOn = random() < 0.5 ? '2027-01-01' : null;
        const { outcome } = await append(id, events.length, { isArchived, dueOn });
        if (outcome !== 'appended') continue;
        acknowledged.set(id, Math.max(acknowledged.get(id)!, events.length + 1));
        return;
      }
    };
    const writer = async () => {
      for (let turn = 0; turn < 120; turn += 1) await writeTo(streams[Math.floor(random() * streams.length)]!);
    };
    let moved = 0;
    const archiver = async () => {
      while (!isOver) {
        const rows = await db.query<{ stream_id: string; version: number }>(
          'closed',
          'select stream_id, version from stream where due_on is null and archived_end is null',
        );
        if (rows.length > 0) moved += await toArchive(...rows.map((row) => closedAt(row.stream_id, row.version)));
      }
    };
    /** From the start again and again: what has once been read is never missing, and each stream is in order. */
    const rereader = async () => {
      let before = 0;
      while (!isOver) {
        const all = await wholeLog(25);
        const texts = all.map(({ position }) => positionText(position));
        expect(texts).toEqual([...new Set(texts)].sort());
        expect(all.length).toBeGreaterThanOrEqual(before);
        before = all.length;
      }
    };
    const others = Promise.all([archiver(), rereader()]);
    await Promise.all(Array.from({ length: 4 }, writer)).finally(() => (isOver = true));
    await others;
    expect(moved).toBeGreaterThan(20);
    await logOf(480, 100);
    for (const id of streams) expect((await read(id)).events).toHaveLength(acknowledged.get(id)!);
    const twice = await db.query('twice', 'select 1 from event e join archived_event a using (stream_id) limit 1');
    expect(twice).toEqual([]);
  }, 120_000);
});
