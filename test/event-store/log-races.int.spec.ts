import { randomInt, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type AppendRequest, LogReader, type Position } from '../../src/event-store';
import { startOfLog } from '../../src/event-store/stored-event';
import { Database } from '../../src/platform';
import { type TestCluster, startCluster } from '../support/cluster';
import { Connection } from '../support/connection';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { LogCheck, type Marked, marked } from './log-check';
import { cutOrderGuard, readerWithoutGate } from './log-mutilations';
import { LogWriter, writers, type WritersLedger, WritersWorld } from './log-writers';

const eventsMin = 100_000;
const raceLimitMs = 120_000;

const trace = { correlation_id: 'races', causation_id: 'races' };

/** One event for a stream at the version given. */
function append(streamId: string, expectedVersion: number, mark: number): AppendRequest {
  return { streamId, expectedVersion, facts: [marked(mark)], dueOn: null, trace, occurredAt: new Date() };
}

/** Every fact has a mark of its own, and the check is told of those that were committed. */
function markingLedger(check: LogCheck): WritersLedger {
  let mark = 0;
  return {
    write: (_streamId, _after, count) => ({ trace, facts: Array.from({ length: count }, () => marked((mark += 1))) }),
    close: ({ facts }, outcome) => {
      if (outcome === 'unknown') throw new Error('the database of this test does not go away');
      if (outcome === 'committed') check.commit(...facts.map(({ data }) => (data as { mark: number }).mark));
    },
  };
}

/** Reads a log on from where it stands, page by page, into a check. */
class Following {
  private after: Position = startOfLog;

  constructor(
    private readonly reader: LogReader,
    private readonly check: LogCheck,
    private readonly pageSize = 1_000,
  ) {}

  /** Reads to the end as it is now; gives the marks it came by. */
  async on(): Promise<number[]> {
    const marks: number[] = [];
    for (;;) {
      const page = await this.reader.page<Marked>(this.after, this.pageSize);
      this.check.see(page);
      marks.push(...page.map(({ data }) => data.mark));
      this.after = page.at(-1)?.position ?? this.after;
      if (page.length < this.pageSize) return marks;
    }
  }
}

describe('the log', () => {
  let cluster: TestCluster;
  let database: TestDatabase;
  let db: Database;
  let check: LogCheck;
  const connections: Connection[] = [];

  const connect = async (url = database.url) => {
    const connection = await Connection.open(url);
    connections.push(connection);
    return connection;
  };

  beforeAll(async () => {
    cluster = await startCluster({ max_prepared_transactions: '4', deadlock_timeout: '200ms' });
  });
  afterAll(() => cluster?.stop());

  beforeEach(async () => {
    database = await createDatabase(cluster.url);
    db = await Database.connect(database.url);
    check = new LogCheck();
  });
  afterEach(async () => {
    await Promise.all(connections.splice(0).map((connection) => connection.close()));
    await db.close();
    await database.drop();
  });

  it(
    'loses nothing and keeps every stream in order while 32 connections write and a reader follows',
    async () => {
      const seed = randomInt(2 ** 31);
      const world = new WritersWorld(markingLedger(check), seed);
      const setUp = await connect();
      await setUp.ask('create table inbox (message uuid primary key)');
      const kinds = writers.flatMap(([kind, count]) => Array.from({ length: count }, () => kind));
      const all = await Promise.all(kinds.map((kind, number) => LogWriter.open(database.url, kind, number, world)));
      const following = new Following(new LogReader(db, 'main'), check);

      const end = performance.now() + raceLimitMs;
      const goOn = () => check.committedCount() < eventsMin && performance.now() < end;
      const writing = Promise.all(all.map((writer) => writer.writeWhile(goOn)));
      let done = false;
      void writing.finally(() => (done = true)).catch(() => undefined);
      let looks = 0;
      while (!done) {
        await following.on();
        looks += 1;
        // A follower that finds the end looks again after a moment; without it, reading would starve the writers.
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await writing;
      await Promise.all(all.map((writer) => writer.end()));
      await eventually(async () => {
        await following.on();
        expect(check.seenCount()).toBeGreaterThanOrEqual(check.committedCount());
      }).catch(() => undefined);

      const story = `seed ${seed}, ${JSON.stringify({ ...world.turns, conflicts: world.conflicts, looks })}`;
      expect({ story, faults: check.faults().slice(0, 10) }).toEqual({ story, faults: [] });
      // The races it is about have all taken place, and the reader was there while they did.
      expect(check.committedCount()).toBeGreaterThanOrEqual(eventsMin);
      expect(Math.min(...Object.values(world.turns))).toBeGreaterThan(20);
      expect(world.conflicts['order guard']).toBeGreaterThan(0);
      expect(world.conflicts['stream version']).toBeGreaterThan(100);
      expect(looks).toBeGreaterThan(20);
    },
    raceLimitMs + 30_000,
  );

  describe('behind an open transaction', () => {
    it('ends there, although later transactions have committed, and goes on whole when it commits', async () => {
      const [early, late] = [await connect(), await connect()];
      const following = new Following(new LogReader(db, 'main'), check);
      await early.begin();
      await early.eventStore().append([append(randomUUID(), 0, 1)]);
      await late.eventStore().append([append(randomUUID(), 0, 2)]);
      expect(await following.on()).toEqual([]);
      await early.commit();
      expect(await following.on()).toEqual([1, 2]);
    });

    it('goes on without the events of a transaction that was rolled back', async () => {
      const [early, late] = [await connect(), await connect()];
      const following = new Following(new LogReader(db, 'main'), check);
      await early.begin();
      await early.eventStore().append([append(randomUUID(), 0, 1)]);
      await late.eventStore().append([append(randomUUID(), 0, 2)]);
      expect(await following.on()).toEqual([]);
      await early.rollback();
      expect(await following.on()).toEqual([2]);
    });

    it('waits for one that has not written to the log yet, since it still may', async () => {
      const [early, late] = [await connect(), await connect()];
      const following = new Following(new LogReader(db, 'main'), check);
      await early.begin();
      await early.takeTransactionId();
      await late.eventStore().append([append(randomUUID(), 0, 2)]);
      expect(await following.on()).toEqual([]);
      await early.eventStore().append([append(randomUUID(), 0, 1)]);
      await early.commit();
      expect(await following.on()).toEqual([1, 2]);
    });

    it('waits for one in another database of the cluster and for a prepared one', async () => {
      const [elsewhere, here] = [await connect(cluster.url), await connect()];
      const following = new Following(new LogReader(db, 'main'), check);
      await elsewhere.begin();
      await elsewhere.takeTransactionId();
      await here.eventStore().append([append(randomUUID(), 0, 1)]);
      expect(await following.on()).toEqual([]);
      await elsewhere.ask(`prepare transaction 'left behind'`);
      expect(await following.on()).toEqual([]);
      await elsewhere.ask(`rollback prepared 'left behind'`);
      expect(await following.on()).toEqual([1]);
    });

    it('shows what stands before it', async () => {
      const [writer, open] = [await connect(), await connect()];
      await writer.eventStore().append([append(randomUUID(), 0, 1)]);
      await open.begin();
      await open.takeTransactionId();
      await writer.eventStore().append([append(randomUUID(), 0, 2)]);
      expect(await new Following(new LogReader(db, 'main'), check).on()).toEqual([1]);
      await open.rollback();
    });

    it('would lose events without the xmin gate, and the check says so', async () => {
      const [early, late] = [await connect(), await connect()];
      const following = new Following(readerWithoutGate(db), check);
      await early.begin();
      await early.eventStore().append([append(randomUUID(), 0, 1)]);
      await late.eventStore().append([append(randomUUID(), 0, 2)]);
      check.commit(2);
      await following.on();
      await early.commit();
      check.commit(1);
      await following.on();
      expect(check.faults()).toEqual(['event 1 is lost']);
    });
  });

  describe('when a transaction with an earlier id comes later to a stream', () => {
    /** `early` has its id; `late` with a later one has appended version 1 to the stream and committed. */
    const overtaken = async () => {
      const [early, late, stream] = [await connect(), await connect(), randomUUID()];
      await early.begin();
      const earlyId = await early.takeTransactionId();
      await late.begin();
      expect(await late.takeTransactionId()).toBeGreaterThan(earlyId);
      await late.eventStore().append([append(stream, 0, 1)]);
      await late.commit();
      check.commit(1);
      return { early, stream };
    };

    it('refuses it by the order guard; in a new transaction it goes through', async () => {
      const { early, stream } = await overtaken();
      expect(await early.eventStore().append([append(stream, 1, 2)])).toEqual([
        { outcome: 'conflict', cause: 'order guard' },
      ]);
      await early.rollback();
      expect(await early.eventStore().append([append(stream, 1, 3)])).toMatchObject([{ outcome: 'appended' }]);
      check.commit(3);
      await new Following(new LogReader(db, 'main'), check).on();
      expect(check.faults()).toEqual([]);
    });

    it('refuses it in a batch too, where the other streams go through', async () => {
      const { early, stream } = await overtaken();
      const results = await early.eventStore().append([append(stream, 1, 2), append(randomUUID(), 0, 3)]);
      expect(results).toMatchObject([{ outcome: 'conflict', cause: 'order guard' }, { outcome: 'appended' }]);
      await early.commit();
      check.commit(3);
      await new Following(new LogReader(db, 'main'), check).on();
      expect(check.faults()).toEqual([]);
    });

    it('makes it wait for the later one that is still at work, and read again', async () => {
      const [early, late, stream] = [await connect(), await connect(), randomUUID()];
      await early.eventStore().append([append(stream, 0, 1)]);
      await early.begin();
      await early.takeTransactionId();
      await late.begin();
      await late.eventStore().append([append(stream, 1, 2)]);
      const waiting = early.eventStore().append([append(stream, 1, 3)]);
      await eventually(async () => {
        const rows = await db.query('waiting', `select 1 from pg_stat_activity where wait_event_type = 'Lock'`);
        expect(rows).toHaveLength(1);
      });
      await late.commit();
      expect(await waiting).toEqual([{ outcome: 'conflict', cause: 'stream version' }]);
      await early.rollback();
      check.commit(1, 2);
      await new Following(new LogReader(db, 'main'), check).on();
      expect(check.faults()).toEqual([]);
    });

    it.each(['single', 'batch'])('would disorder the stream without the order guard (%s form)', async (form) => {
      await cutOrderGuard(await connect());
      const { early, stream } = await overtaken();
      const requests = [append(stream, 1, 2), ...(form === 'batch' ? [append(randomUUID(), 0, 3)] : [])];
      const results = await early.eventStore().append(requests);
      expect(results.map(({ outcome }) => outcome)).toEqual(requests.map(() => 'appended'));
      await early.commit();
      check.commit(...(form === 'batch' ? [2, 3] : [2]));
      await new Following(new LogReader(db, 'main'), check).on();
      expect(check.faults()).toEqual([
        `stream ${stream}: version 2 comes after 0`,
        `stream ${stream}: version 1 comes after 2`,
      ]);
    });
  });

  describe('when batches meet on the same streams', () => {
    it('never waits in a circle, whatever the order in which they name them', async () => {
      const rounds = 40;
      const streams = Array.from({ length: 24 }, () => randomUUID());
      const versions = new Map<string, number>();
      let mark = 0;
      const batches = await Promise.all(
        Array.from({ length: 4 }, async (_, number) => {
          const connection = await connect();
          const outcomes: string[] = [];
          for (let round = 0; round < rounds; round += 1) {
            const turned = [...streams.slice(round % 24), ...streams.slice(0, round % 24)];
            const order = number % 2 === 0 ? turned : turned.reverse();
            const requests = order.map((stream) => append(stream, versions.get(stream) ?? 0, (mark += 1)));
            const results = await connection.eventStore().append(
              requests.map((request, index) => ({
                ...request,
                command: {
                  key: `key-${(number + index + round) % 30}-${round}`,
                  fingerprint: Buffer.of(1),
                  answer: {},
                },
              })),
            );
            results.forEach((result, index) => {
              outcomes.push(result.outcome === 'conflict' ? result.cause : 'appended');
              if (result.outcome === 'appended') {
                check.commit((requests[index]!.facts[0] as Marked).data.mark);
                const { streamId, expectedVersion } = requests[index]!;
                versions.set(streamId, Math.max(versions.get(streamId) ?? 0, expectedVersion + 1));
              }
            });
          }
          return outcomes;
        }),
      );
      expect([...new Set(batches.flat())].sort()).not.toContain('deadlock');
      expect(batches.flat()).toContain('stream version');
      await new Following(new LogReader(db, 'main'), check).on();
      expect(check.faults()).toEqual([]);
    });

    it('would, if rows were locked in the order given: single appends in one transaction show it', async () => {
      const [one, other] = [await connect(), await connect()];
      const [first, second] = [randomUUID(), randomUUID()];
      await one.eventStore().append([append(first, 0, 1), append(second, 0, 2)]);
      await Promise.all([one.begin(), other.begin()]);
      await Promise.all([one.takeTransactionId(), other.takeTransactionId()]);
      await one.eventStore().append([append(first, 1, 3)]);
      await other.eventStore().append([append(second, 1, 4)]);
      const results = await Promise.all([
        one.eventStore().append([append(second, 1, 5)]),
        other.eventStore().append([append(first, 1, 6)]),
      ]);
      expect(results.flat()).toContainEqual({ outcome: 'conflict', cause: 'deadlock' });
    });
  });
});
