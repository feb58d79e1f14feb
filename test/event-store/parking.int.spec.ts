import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  ArchiveMonths,
  ArchiveStore,
  CheckpointStore,
  EventStore,
  type Fact,
  LogAccess,
  LogFollower,
  LogReader,
  ParkedStreamStore,
} from '../../src/event-store';
import type { FollowerOptions } from '../../src/event-store/log-follower';
import { createLogger, Database, Signal } from '../../src/platform';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';

interface Noted extends Fact {
  type: 'test.noted';
  data: { note: string };
}

/** Whether the reader's effect fails on a note; the notes say so themselves. */
type Fault = (note: string) => Error | undefined;
const poisoned: Fault = (note) => (note.startsWith('poison') ? new TypeError(`cannot read ${note}`) : undefined);

describe('a stream that a reader of the log cannot go on with', () => {
  let database: TestDatabase;
  let db: Database;
  let eventStore: EventStore;
  let parked: ParkedStreamStore;
  let name: string;
  let fault: Fault;
  const following: LogFollower<Noted>[] = [];
  const versions = new Map<string, number>();

  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
    eventStore = new EventStore(db, 'main', new Signal());
    parked = new ParkedStreamStore(db, 'main');
    await db.query('make', 'create table applied (n bigint generated always as identity, stream_id uuid, note text)');
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });
  beforeEach(() => {
    name = `reader ${randomUUID()}`;
    fault = poisoned;
  });
  afterEach(async () => {
    await Promise.all(following.splice(0).map((follower) => follower.stop()));
    await db.query('empty', 'truncate event, archived_event, stream, applied, parked_stream');
    versions.clear();
  });

  /** One batch, so one transaction: a reader has all of it in one page. */
  const write = async (...notes: [streamId: string, ...notes: string[]][]) => {
    const results = await eventStore.append(
      notes.map(([streamId, ...texts]) => ({
        streamId,
        expectedVersion: versions.get(streamId) ?? 0,
        facts: texts.map((note) => ({ type: 'test.noted', data: { note } })),
        dueOn: null,
        trace: { correlation_id: 'c', causation_id: 'c' },
        occurredAt: new Date(),
      })),
    );
    expect(results.map(({ outcome }) => outcome)).toEqual(notes.map(() => 'appended'));
    for (const [streamId, ...texts] of notes) versions.set(streamId, (versions.get(streamId) ?? 0) + texts.length);
  };
  const follow = (options: Partial<FollowerOptions<Noted>> = {}) => {
    const log = createLogger('silent');
    const access = new LogAccess(db, new LogReader(db, 'main'), new CheckpointStore(db, 'main'), new Signal(), log);
    const follower = new LogFollower<Noted>(access, {
      name,
      pageSize: 100,
      apply: async (events, queries) => {
        for (const { stream_id: streamId, data } of events) {
          await queries.query('apply', 'insert into applied (stream_id, note) values ($1, $2)', [streamId, data.note]);
          const error = fault(data.note);
          if (error) throw error;
        }
      },
      ...options,
    });
    following.push(follower);
    follower.start();
    return follower;
  };
  const notesOf = async (streamId: string) =>
    (
      await db.query<{ note: string }>('notes', 'select note from applied where stream_id = $1 order by n', [streamId])
    ).map(({ note }) => note);
  const atTheEnd = (follower: LogFollower<Noted>) =>
    eventually(async () => expect((await follower.lag()).events).toBe(0));
  const listed = async () => (await parked.list(undefined, 50)).filter(({ reader }) => reader === name);

  it('is parked at the event that fails; what came before it is applied, and so are all others, once', async () => {
    const [bad, good, other] = [randomUUID(), randomUUID(), randomUUID()];
    await write([good, 'a', 'b'], [bad, 'one', 'poison', 'three'], [other, 'x']);
    const follower = follow();
    await atTheEnd(follower);
    await write([bad, 'four'], [good, 'c']);
    await eventually(async () => expect(await notesOf(good)).toEqual(['a', 'b', 'c']));
    expect(await notesOf(bad)).toEqual(['one']);
    expect(await notesOf(other)).toEqual(['x']);
    expect(await listed()).toMatchObject([
      {
        stream_id: bad,
        version: 2,
        tries: 1,
        error: 'cannot read poison',
        data: { note: 'poison' },
        replay_asked_at: null,
        position: expect.stringMatching(/^[0-9a-f]{8}-/),
      },
    ]);
    expect(await follower.check()).toEqual({ status: 'degraded', reason: expect.stringContaining('1 stream(s)') });
    expect(await parked.counts()).toEqual(new Map([[name, 1]]));
  });

  it('stays parked for the next holder of the lease', async () => {
    const [bad, good] = [randomUUID(), randomUUID()];
    await write([good, 'a'], [bad, 'poison']);
    const first = follow();
    await atTheEnd(first);
    await first.stop();
    await write([bad, 'two'], [good, 'b']);
    await atTheEnd(follow());
    expect([await notesOf(bad), await notesOf(good)]).toEqual([[], ['a', 'b']]);
    expect(await listed()).toHaveLength(1);
  });

  it('is parked alone among many that fail beside it in the same page', async () => {
    const streams = Array.from({ length: 60 }, () => randomUUID());
    const isBad = (index: number) => index % 13 === 5;
    await write(
      ...streams.map((id, index): [string, ...string[]] => [id, 'first', isBad(index) ? `poison ${index}` : 'second']),
    );
    await atTheEnd(follow());
    for (const [index, id] of streams.entries())
      expect(await notesOf(id)).toEqual(isBad(index) ? ['first'] : ['first', 'second']);
    expect(new Set((await listed()).map(({ stream_id: id }) => id))).toEqual(
      new Set(streams.filter((_, index) => isBad(index))),
    );
  });

  it('is applied in order when it is replayed after the fix, as if nothing had happened', async () => {
    const [bad, good] = [randomUUID(), randomUUID()];
    await write([bad, 'one', 'poison', 'three'], [good, 'a']);
    // Pages smaller than what waits in the stream.
    const follower = follow({ pageSize: 2 });
    await atTheEnd(follower);
    await write([bad, 'four', 'five', 'six']);
    await atTheEnd(follower);
    fault = () => undefined;
    const [row] = await listed();
    expect(await parked.askReplay(row!.id)).toMatchObject({ id: row!.id, replay_asked_at: expect.any(Date) });
    await write([bad, 'seven'], [good, 'b']);
    const all = ['one', 'poison', 'three', 'four', 'five', 'six', 'seven'];
    await eventually(async () => expect(await notesOf(bad)).toEqual(all));
    expect(await notesOf(good)).toEqual(['a', 'b']);
    expect(await listed()).toEqual([]);
    await write([bad, 'eight']);
    await eventually(async () => expect(await notesOf(bad)).toEqual([...all, 'eight']));
    expect(await follower.check()).toEqual({ status: 'ok' });
    expect(await parked.askReplay(row!.id)).toBeUndefined();
  });

  it('is replayed exactly once and in order while it is written to all the time', async () => {
    const [bad, good] = [randomUUID(), randomUUID()];
    await write([bad, 'poison'], [good, 'a']);
    const follower = follow({ pageSize: 3 });
    await atTheEnd(follower);
    fault = () => undefined;
    const expected = ['poison'];
    for (let round = 0; round < 60; round += 1) {
      if (round === 20) await parked.askReplay((await listed())[0]!.id);
      await write([bad, `note ${round}`]);
      expected.push(`note ${round}`);
    }
    await eventually(async () => expect(await listed()).toEqual([]));
    await atTheEnd(follower);
    expect(await notesOf(bad)).toEqual(expected);
  });

  it('stays parked, with the new error, when the replay fails again', async () => {
    const [bad, good] = [randomUUID(), randomUUID()];
    await write([bad, 'poison', 'two'], [good, 'a']);
    const follower = follow();
    await atTheEnd(follower);
    fault = (note) => (note === 'two' ? new RangeError('now the second') : undefined);
    await parked.askReplay((await listed())[0]!.id);
    await eventually(async () =>
      expect(await listed()).toMatchObject([{ version: 1, tries: 2, error: 'now the second', replay_asked_at: null }]),
    );
    expect(await notesOf(bad)).toEqual([]);
    await write([good, 'b']);
    await eventually(async () => expect(await notesOf(good)).toEqual(['a', 'b']));
  });

  it('says what the database said without the value that it refused', async () => {
    const [bad, good] = [randomUUID(), randomUUID()];
    await write([bad, 'not a date'], [good, '2026-01-01']);
    const apply: FollowerOptions<Noted>['apply'] = async (events, queries) => {
      for (const { data } of events) await queries.query('read', 'select $1::date', [data.note]);
    };
    await atTheEnd(follow({ apply }));
    expect(await listed()).toMatchObject([{ stream_id: bad, error: 'invalid input syntax for type date: (a value)' }]);
  });

  describe('is not what is parked', () => {
    const nothingIsParked = async (error: () => Error, notes = ['a', 'b', 'c']) => {
      await write(...notes.map((note): [string, string] => [randomUUID(), note]));
      let failures = 0;
      fault = () => {
        failures += 1;
        return error();
      };
      const follower = follow();
      await eventually(() => expect(failures).toBeGreaterThan(2));
      expect(await listed()).toEqual([]);
      expect((await follower.lag()).events).toBe(notes.length);
      fault = () => undefined;
      await atTheEnd(follower);
      expect(await db.query('count', 'select 1 from applied')).toHaveLength(notes.length);
    };
    const withCode = (code: string) => () => Object.assign(new Error('the database said no'), { code });

    it('when every stream of a page fails: that is the reader’s own fault', () =>
      nothingIsParked(() => new TypeError('everything fails')));

    it.each([
      ['the database stops', '57P01'],
      ['the connection breaks', 'ECONNRESET'],
      ['the disk is full', '53100'],
      ['a statement takes too long', '57014'],
      ['two transactions wait for each other', '40P01'],
      ['a lock is not to be had', '55P03'],
      ['a table is missing', '42P01'],
      ['the rights are missing', '42501'],
    ])('when %s', (_what, code) => nothingIsParked(withCode(code), ['a lone one']));

    it('when the connection is cut in the middle of an effect', async () => {
      const streams = Array.from({ length: 5 }, () => randomUUID());
      await write(...streams.map((id): [string, string] => [id, 'note']));
      let cuts = 0;
      const follower = follow({
        apply: async (events, queries) => {
          await queries.query('apply-all', 'insert into applied (stream_id, note) select unnest($1::uuid[]), $2', [
            events.map(({ stream_id: id }) => id),
            'note',
          ]);
          if (cuts < 3) {
            cuts += 1;
            await queries.query('cut', 'select pg_terminate_backend(pg_backend_pid())');
          }
        },
      });
      await atTheEnd(follower);
      expect([cuts, await listed()]).toEqual([3, []]);
      for (const id of streams) expect(await notesOf(id)).toEqual(['note']);
    });
  });

  it('is not parked any more once a hundred are: so broad a fault stops the reader instead', async () => {
    const streams = Array.from({ length: 102 }, () => randomUUID());
    await write(...streams.map((id, index): [string, string] => [id, index === 0 ? 'good' : `poison ${index}`]));
    const follower = follow({ pageSize: 1_000 });
    await eventually(() => expect(follower.state().lastError).toMatch(/cannot read poison/));
    expect([await listed(), (await follower.lag()).events]).toEqual([[], 102]);
  });

  it('is shown with its event when it is archived; once it is destroyed, who begins anew under its id is followed', async () => {
    const bad = randomUUID();
    await write([bad, 'one', 'poison']);
    const follower = follow();
    await eventually(async () => expect(await listed()).toHaveLength(1));
    const [archive, months, endedAt] = [new ArchiveStore(db, 'main'), new ArchiveMonths(db), new Date()];
    await months.make([endedAt]);
    await db.transaction((queries) => archive.archive([{ stream_id: bad, version: 2, endedAt }], queries));
    expect(await listed()).toMatchObject([{ stream_id: bad, version: 2, data: { note: 'poison' } }]);
    const { streams } = await db.transaction((queries) => months.destroy(new Date(endedAt.getTime() + 1), 10, queries));
    expect([streams, await listed()]).toEqual([1, []]);
    versions.delete(bad);
    // Seen at the reader's next look, twice a second.
    await eventually(async () => {
      await write([bad, 'anew']);
      await atTheEnd(follower);
      expect(await notesOf(bad)).toContain('anew');
    });
  });
});
