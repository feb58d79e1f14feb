import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  CheckpointStore,
  EventStore,
  HeldLease,
  LeaseLost,
  LogAccess,
  LogFollower,
  LogReader,
  type Position,
  positionText,
} from '../../src/event-store';
import { type FollowerOptions } from '../../src/event-store/log-follower';
import { createLogger, Database, Signal } from '../../src/platform';
import { Connection } from '../support/connection';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { type Marked, marked } from './log-check';

const startOfLog: Position = { epoch: 0, xid: '0', pos: '0' };
const later: Position = { epoch: 1, xid: '1234', pos: '56' };
const minuteMs = 60_000;
/** A lease that is over as soon as it is taken: its holder is a process that was frozen. */
const overAtOnce = 0;

describe('with leases and checkpoints', () => {
  let database: TestDatabase;
  let db: Database;
  let store: CheckpointStore;
  let name: string;

  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
    store = new CheckpointStore(db, 'main');
    await db.query('applied', 'create table applied (reader text, mark integer, owner text)');
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });
  beforeEach(() => {
    name = `reader ${randomUUID()}`;
  });

  const taken = async (owner: string, leaseMs = minuteMs, of = name) => {
    const held = await store.acquire(of, owner, leaseMs);
    if (!held) throw new Error(`${owner} did not get the lease`);
    return held;
  };

  /** Sessions that a lock keeps waiting. */
  const waitingForLocks = () =>
    db.query(
      'waiting-for-locks',
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );

  describe('a lease', () => {
    it('is taken by the first who asks, at the start of the log', async () => {
      expect(await store.acquire(name, 'one', minuteMs)).toEqual({
        lease: { name, fence: '1' },
        checkpoint: startOfLog,
      });
    });

    it('is refused to a second while it lasts', async () => {
      await taken('one');
      expect(await store.acquire(name, 'two', minuteMs)).toBeUndefined();
      expect(await store.acquire(name, 'one', minuteMs)).toBeUndefined();
    });

    it('goes to one of many who ask at once', async () => {
      const answers = await Promise.all(
        Array.from({ length: 15 }, (_, owner) => store.acquire(name, `owner ${owner}`, minuteMs)),
      );
      expect(answers.filter((answer) => answer !== undefined)).toHaveLength(1);
    });

    it('of another name, or of another log, is another one', async () => {
      await taken('one');
      expect(await store.acquire(`${name} too`, 'two', minuteMs)).toBeDefined();
      expect(await new CheckpointStore(db, 'other').acquire(name, 'two', minuteMs)).toBeDefined();
    });

    it('is taken over when it has run out, with a higher fence and the checkpoint of the one before', async () => {
      const { lease } = await taken('one', overAtOnce);
      await store.save(lease, later);
      const next = await eventually(() => taken('two'));
      expect(BigInt(next.lease.fence)).toBeGreaterThan(BigInt(lease.fence));
      expect(next.checkpoint).toEqual(later);
    });

    it('that was taken over is lost to the one before, who can neither renew nor save', async () => {
      const { lease } = await taken('one', overAtOnce);
      const next = await eventually(() => taken('two'));
      await store.save(next.lease, later);
      await expect(store.renew(lease, minuteMs)).rejects.toThrow(LeaseLost);
      await expect(store.save(lease, startOfLog)).rejects.toThrow(LeaseLost);
      expect(await store.position(name)).toEqual(later);
    });

    it('cannot be given back by the one who lost it', async () => {
      const { lease } = await taken('one', overAtOnce);
      await eventually(() => taken('two'));
      await store.release(lease);
      expect(await store.acquire(name, 'three', minuteMs)).toBeUndefined();
    });

    it('lasts on when it is renewed, and is free at once when it is given back', async () => {
      const { lease } = await taken('one', overAtOnce);
      await store.renew(lease, minuteMs);
      expect(await store.acquire(name, 'two', minuteMs)).toBeUndefined();
      await store.release(lease);
      expect(await store.acquire(name, 'two', minuteMs)).toBeDefined();
    });

    it('renews itself while it is held, also by a holder who is busy', async () => {
      const held = new HeldLease(store, name);
      await held.take();
      const leaseUntil = async () => {
        const [row] = await db.query<{ lease_until: Date }>(
          'lease-until',
          'select lease_until from log_reader where name = $1',
          [name],
        );
        return row!.lease_until.getTime();
      };
      const first = await leaseUntil();
      await eventually(async () => expect(await leaseUntil()).toBeGreaterThan(first));
      await held.giveBack();
      expect(held.current()).toBeUndefined();
      expect(await store.acquire(name, 'two', minuteMs)).toBeDefined();
    });

    it('is dropped by a holder who learns that it is lost', async () => {
      const held = new HeldLease(store, name);
      await held.take();
      await db.query('steal', `update log_reader set lease_until = '-infinity' where name = $1`, [name]);
      await eventually(() => taken('two'));
      await eventually(() => expect(held.current()).toBeUndefined());
      await held.giveBack();
    });

    it('asks for one renewal at a time, so that a long step does not use up the connections', async () => {
      const held = new HeldLease(store, name);
      await held.take();
      await db.transaction(async (queries) => {
        await store.save(held.current()!, later, queries);
        await eventually(async () => expect(await waitingForLocks()).toHaveLength(1));
        // Two more ticks of its timer; a timer of the test that outlasts them.
        const ticksEnd = performance.now() + 2_500;
        await eventually(() => expect(performance.now()).toBeGreaterThan(ticksEnd));
        expect(await waitingForLocks()).toHaveLength(1);
      });
      expect(held.current()).toBeDefined();
      await held.giveBack();
    });
  });

  describe('a follower', () => {
    const following: LogFollower<Marked>[] = [];
    const databases: Database[] = [];
    let nextMark = 1;

    afterEach(async () => {
      await Promise.all(following.splice(0).map((follower) => follower.stop()));
      await Promise.all(databases.splice(0).map((one) => one.close()));
    });

    /** A process of its own: its own pool, its own view of everything. */
    const access = async () => {
      const own = await Database.connect(database.url);
      databases.push(own);
      const log = createLogger('silent');
      return new LogAccess(own, new LogReader(own, 'main'), new CheckpointStore(own, 'main'), new Signal(), log);
    };
    const follow = async (owner: string, options: Partial<FollowerOptions<Marked>> = {}) => {
      const follower = new LogFollower<Marked>(await access(), {
        name,
        pageSize: 7,
        apply: async (page, queries) => {
          await queries.query('apply', 'insert into applied select $1, unnest($2::integer[]), $3', [
            name,
            page.map(({ data }) => data.mark),
            owner,
          ]);
        },
        ...options,
      });
      following.push(follower);
      follower.start();
      return follower;
    };
    const write = async (count: number) => {
      const marks = Array.from({ length: count }, () => nextMark++);
      const trace = { correlation_id: 'c', causation_id: 'c' };
      const results = await new EventStore(db, 'main', new Signal()).append(
        marks.map((mark) => ({
          streamId: randomUUID(),
          expectedVersion: 0,
          facts: [marked(mark)],
          dueOn: null,
          trace,
          occurredAt: new Date(),
        })),
      );
      expect(results.every(({ outcome }) => outcome === 'appended')).toBe(true);
      return marks;
    };
    const applied = () =>
      db.query<{ mark: number; owner: string }>('applied-marks', 'select mark, owner from applied where reader = $1', [
        name,
      ]);
    const appliedMarks = async () => (await applied()).map(({ mark }) => mark).sort((a, b) => a - b);
    const allMarks = () => Array.from({ length: nextMark - 1 }, (_, index) => index + 1);

    it('applies every event once and stands at the end of the log then', async () => {
      await write(40);
      const follower = await follow('one');
      await eventually(async () => expect(await appliedMarks()).toEqual(allMarks()));
      const more = await write(1);
      await eventually(async () => expect(await appliedMarks()).toContain(more[0]));
      expect(await follower.lag()).toEqual({ events: 0, seconds: 0 });
      expect(await appliedMarks()).toEqual(allMarks());
    });

    it('goes on from its checkpoint after a restart', async () => {
      const first = await follow('one');
      await eventually(async () => expect(await appliedMarks()).toEqual(allMarks()));
      await first.stop();
      const before = nextMark;
      await write(10);
      await follow('two');
      await eventually(async () => expect(await appliedMarks()).toEqual(allMarks()));
      const bySecond = (await applied()).filter(({ owner }) => owner === 'two').map(({ mark }) => mark);
      expect(Math.min(...bySecond)).toBe(before);
    });

    it('leaves no half effect when a step fails after part of it, and applies the page whole later', async () => {
      await write(20);
      let failures = 0;
      await follow('one', {
        apply: async (page, queries) => {
          for (const { data } of page) {
            await queries.query('apply-one', `insert into applied values ($1, $2, 'one')`, [name, data.mark]);
            if (data.mark % 5 === 0 && failures < 3) {
              failures += 1;
              throw new Error('half-way');
            }
          }
        },
      });
      await eventually(async () => expect(await appliedMarks()).toEqual(allMarks()));
      expect(failures).toBe(3);
    });

    it('says that it is failing, and that it is well again', async () => {
      await write(1);
      let isBroken = true;
      const follower = await follow('one', {
        apply: () => (isBroken ? Promise.reject(new Error('the effect failed')) : Promise.resolve()),
      });
      await eventually(() =>
        expect(follower.state()).toMatchObject({ failingSince: expect.any(Number), lastError: 'the effect failed' }),
      );
      isBroken = false;
      await eventually(() => expect(follower.state().failingSince).toBeUndefined());
    });

    it('moves its checkpoint only after what must happen before it has happened', async () => {
      await write(3);
      const published: number[] = [];
      let isAway = true;
      const follower = await follow('one', {
        apply: undefined,
        before: (page) => {
          if (isAway) return Promise.reject(new Error('the wire is away'));
          published.push(...page.map(({ data }) => data.mark));
          return Promise.resolve();
        },
      });
      await eventually(() => expect(follower.state().lastError).toBe('the wire is away'));
      expect(await follower.position()).toEqual(startOfLog);
      isAway = false;
      await eventually(async () => expect((await follower.lag()).events).toBe(0));
      expect(published).toEqual(allMarks());
    });

    it('sends the next page while the checkpoint of one is on its way, and no page after that', async () => {
      await write(21 - ((nextMark - 1) % 7));
      const pages: number[][] = [];
      const holding = await Connection.open(database.url);
      const follower = await follow('one', {
        apply: undefined,
        before: async (page) => {
          pages.push(page.map(({ data }) => data.mark));
          if (pages.length > 1) return;
          await holding.begin();
          await holding.ask('select 1 from log_reader where name = $1 for update', [name]);
        },
      });
      await eventually(() => expect(pages).toHaveLength(2));
      expect(await follower.position()).toEqual(startOfLog);
      // The checkpoint waits, and after a while a renewal of the lease behind it: time enough for a third page.
      await eventually(async () => expect(await waitingForLocks()).toHaveLength(2));
      expect(pages).toHaveLength(2);
      await holding.rollback();
      await eventually(async () => expect((await follower.lag()).events).toBe(0));
      expect(pages.flat()).toEqual(allMarks());
      await holding.close();
    });

    it('shares its name with another in parallel, and no event is applied twice', async () => {
      const both = await Promise.all([follow('one'), follow('two')]);
      for (let round = 0; round < 5; round += 1) await write(20);
      await eventually(async () => expect(await appliedMarks()).toEqual(allMarks()));
      expect(both.filter((follower) => follower.state().holding)).toHaveLength(1);
    });

    it('is taken over within a few seconds from one that vanished, and goes on where that one stood', async () => {
      // What a killed process leaves behind: a lease that nobody renews, and a checkpoint.
      const gone = await taken('gone', 4_000);
      await write(5);
      const page = await new LogReader(db, 'main').page(startOfLog, 3);
      await store.save(gone.lease, page[2]!.position);
      const begin = performance.now();
      await follow('two');
      await eventually(async () => expect(await appliedMarks()).toEqual(allMarks().slice(3)));
      expect(performance.now() - begin).toBeLessThan(8_000);
    });

    it('commits nothing any more once another has overtaken it in mid-step', async () => {
      await write(4);
      let thaw: () => void = () => undefined;
      const frozen = new Promise<void>((resolve) => (thaw = resolve));
      let isFrozen = false;
      const one = await follow('one', {
        pageSize: 1_000,
        before: () => {
          if (isFrozen) return Promise.resolve();
          isFrozen = true;
          return frozen;
        },
      });
      await eventually(() => expect(isFrozen).toBe(true));
      // Frozen long enough for its lease to run out: as if its timer had stood still too.
      await db.query('expire', `update log_reader set lease_until = '-infinity' where name = $1`, [name]);
      const two = await follow('two');
      await eventually(async () => expect(await appliedMarks()).toEqual(allMarks()));
      thaw();
      await eventually(() => expect(one.state().holding).toBe(false));
      await write(2);
      await eventually(async () => expect(await appliedMarks()).toEqual(allMarks()));
      expect(new Set((await applied()).map(({ owner }) => owner))).toEqual(new Set(['two']));
      expect(two.state().holding).toBe(true);
    });

    it('whose effect is under way when another overtakes it rolls that effect back', async () => {
      await write(2);
      const { lease } = await taken('one', overAtOnce);
      const next = await eventually(() => taken('two'));
      const late = db.transaction(async (queries) => {
        await queries.query('apply-late', `insert into applied values ($1, 0, 'one')`, [name]);
        await store.save(lease, later, queries);
      });
      await expect(late).rejects.toThrow(LeaseLost);
      expect(await applied()).toEqual([]);
      expect(positionText(await store.position(name))).toBe(positionText(next.checkpoint));
    });

    it('gives its lease back when it stops, so that the next one need not wait', async () => {
      const one = await follow('one');
      await eventually(() => expect(one.state().holding).toBe(true));
      await one.stop();
      expect(await store.acquire(name, 'two', minuteMs)).toBeDefined();
    });
  });
});
