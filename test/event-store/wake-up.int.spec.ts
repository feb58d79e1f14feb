import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  CheckpointStore,
  EventStore,
  HeldLease,
  LogAccess,
  LogFollower,
  LogReader,
  type Position,
} from '../../src/event-store';
import { createLogger, Database, loopCheck, Signal, WakeUp } from '../../src/platform';
import { type TestCluster, startCluster } from '../support/cluster';
import { Connection } from '../support/connection';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { type Marked, marked } from './log-check';

/** A follower that hears the writers looks by itself once a second; what comes sooner than this was told. */
const toldWithinMs = 500;

class WatchedReader extends LogReader {
  foundNothingAtMs = Number.POSITIVE_INFINITY;

  override async hasUnread(after: Position): Promise<boolean> {
    const found = await super.hasUnread(after);
    this.foundNothingAtMs = found ? Number.POSITIVE_INFINITY : performance.now();
    return found;
  }
}

/** What one process of the service has of the log. */
class LogProcess {
  readonly seen: { mark: number; atMs: number }[] = [];
  readonly follower: LogFollower<Marked>;
  readonly reader: WatchedReader;

  private constructor(
    readonly database: Database,
    readonly wakeUp: WakeUp,
    readonly checkpoints: CheckpointStore,
    readonly store: EventStore,
    log: ReturnType<typeof createLogger>,
  ) {
    this.reader = new WatchedReader(database, 'main');
    const access = new LogAccess(database, this.reader, checkpoints, wakeUp.signal('appended.main'), log);
    this.follower = new LogFollower<Marked>(access, {
      name: 'follower',
      pageSize: 100,
      after: (page) => this.seen.push(...page.map(({ data }) => ({ mark: data.mark, atMs: performance.now() }))),
    });
  }

  static async on(url: string, listenUrl = url): Promise<LogProcess> {
    const log = createLogger('silent');
    const database = await Database.connect(url);
    const wakeUp = new WakeUp(listenUrl, log);
    const store = new EventStore(database, 'main', wakeUp.signal('appended.main'));
    const checkpoints = new CheckpointStore(database, 'main', wakeUp.signal('released.main'));
    wakeUp.start();
    await eventually(() => expect(wakeUp.signal('appended.main').isShared).toBe(true));
    return new LogProcess(database, wakeUp, checkpoints, store, log);
  }

  append(mark: number) {
    return this.store.append([request(mark)]);
  }

  async follow(): Promise<void> {
    this.follower.start();
    await eventually(() => expect(this.follower.state().holding).toBe(true));
  }

  async stop(): Promise<void> {
    await this.follower.stop();
    await this.wakeUp.stop();
    await this.database.close();
  }
}

function request(mark: number) {
  const trace = { correlation_id: 'wake-up', causation_id: 'wake-up' };
  const facts = [marked(mark)];
  return { streamId: randomUUID(), expectedVersion: 0, facts, dueOn: null, trace, occurredAt: new Date() };
}

describe('the wake-up between processes', () => {
  let cluster: TestCluster;
  let database: TestDatabase;
  let one: LogProcess;
  let other: LogProcess;
  let admin: Connection;

  beforeAll(async () => {
    cluster = await startCluster();
    admin = await Connection.open(cluster.url);
    await admin.ask(`create role listener login superuser password 'listener'`);
  });
  afterAll(async () => {
    await admin?.close();
    await cluster?.stop();
  });
  beforeEach(async () => {
    database = await createDatabase(cluster.url);
    one = await LogProcess.on(database.url);
    const listenUrl = new URL(database.url);
    [listenUrl.username, listenUrl.password] = ['listener', 'listener'];
    other = await LogProcess.on(database.url, listenUrl.href);
  });
  afterEach(async () => {
    await Promise.all([one.stop(), other.stop()]);
    await database.drop();
  });

  const sawAt = (mark: number, withinMs = 5_000) =>
    eventually(() => {
      const found = other.seen.find((entry) => entry.mark === mark);
      if (!found) throw new Error(`${mark} was not seen`);
      return found.atMs;
    }, withinMs);
  /** The follower has looked, found nothing, and waits for a signal. */
  const isQuiet = () =>
    eventually(() => expect(performance.now() - other.reader.foundNothingAtMs).toBeGreaterThan(100));
  const cutListener = () =>
    admin.ask(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'listener'`);

  it('tells every other process at once, and the one that raises only once', async () => {
    const heard: Record<string, number> = { here: 0, there: 0, elsewhere: 0 };
    one.wakeUp.signal('deliveries').on(() => (heard.here! += 1));
    other.wakeUp.signal('deliveries').on(() => (heard.there! += 1));
    other.wakeUp.signal('projections').on(() => (heard.elsewhere! += 1));
    one.wakeUp.signal('deliveries').raise();
    expect(heard.here).toBe(1);
    await eventually(() => expect(heard.there).toBe(1), toldWithinMs);
    // What is told afterwards arrives afterwards: nothing else was under way.
    one.wakeUp.signal('projections').raise();
    await eventually(() => expect(heard.elsewhere).toBe(1), toldWithinMs);
    expect(heard).toEqual({ here: 1, there: 1, elsewhere: 1 });
  });

  it('tells what is raised in quick succession together, and nothing that is raised goes untold', async () => {
    let raised = 0;
    let raisedWhenHeard = 0;
    let heard = 0;
    other.wakeUp.signal('deliveries').on(() => {
      heard += 1;
      raisedWhenHeard = raised;
    });
    for (let burst = 0; burst < 20; burst += 1) {
      for (let n = 0; n < 50; n += 1) {
        raised += 1;
        one.wakeUp.signal('deliveries').raise();
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => expect(raisedWhenHeard).toBe(1_000), toldWithinMs);
    expect(heard).toBeLessThan(50);
  });

  it('wakes a follower in another process long before it would look by itself', async () => {
    await other.follow();
    const delaysMs: number[] = [];
    for (let mark = 1; mark <= 9; mark += 1) {
      await isQuiet();
      await one.append(mark);
      const appendedMs = performance.now();
      delaysMs.push((await sawAt(mark)) - appendedMs);
    }
    expect(delaysMs.sort((a, b) => a - b)[4]).toBeLessThan(toldWithinMs / 4);
    expect(delaysMs[8]).toBeLessThan(toldWithinMs);
  });

  it('is missed but replaced by frequent looks while the connection is cut, and comes back by itself', async () => {
    await other.follow();
    await isQuiet();
    await admin.ask('alter role listener nologin');
    await cutListener();
    const signal = other.wakeUp.signal('appended.main');
    await eventually(() => expect(signal.isShared).toBe(false));
    // It said so itself only when it had looked once more, within a second.
    await one.append(1);
    await sawAt(1);
    for (let mark = 2; mark <= 6; mark += 1) {
      await one.append(mark);
      const appendedMs = performance.now();
      expect((await sawAt(mark)) - appendedMs).toBeLessThan(toldWithinMs);
    }
    await eventually(() => expect(loopCheck(other.wakeUp.state()).status).toBe('degraded'));

    await admin.ask('alter role listener login');
    let heard = 0;
    signal.on(() => (heard += 1));
    await eventually(() => expect(signal.isShared).toBe(true), 10_000);
    // Everybody looks once, for nobody knows what was raised meanwhile.
    expect(heard).toBe(1);
    expect(loopCheck(other.wakeUp.state())).toEqual({ status: 'ok' });
    await one.append(7);
    await eventually(() => expect(heard).toBe(2), toldWithinMs);
  });

  it('is heard again at once by a connection that was cut when another can be had', async () => {
    const signal = other.wakeUp.signal('appended.main');
    let heard = 0;
    signal.on(() => (heard += 1));
    await cutListener();
    await eventually(() => expect(heard).toBe(1), 2_000);
    expect(signal.isShared).toBe(true);
  });

  it('does not leave behind what an older transaction held back: it is read as soon as that ends', async () => {
    await other.follow();
    const older = await Connection.open(database.url);
    for (let mark = 1; mark <= 5; mark += 1) {
      await older.begin();
      await older.takeTransactionId();
      await one.append(mark);
      expect(await one.reader.hasUnread(await other.follower.position())).toBe(true);
      expect(other.seen.some((entry) => entry.mark === mark)).toBe(false);
      await older.rollback();
      const endedMs = performance.now();
      expect((await sawAt(mark)) - endedMs).toBeLessThan(toldWithinMs);
    }
    await older.close();
  });

  it('reaches who waits for a lease when it is given back', async () => {
    const lease = new HeldLease(one.checkpoints, 'follower');
    await lease.take();
    other.follower.start();
    await lease.giveBack();
    const givenBackMs = performance.now();
    await eventually(() => expect(other.follower.state().holding).toBe(true), 3_000);
    expect(performance.now() - givenBackMs).toBeLessThan(toldWithinMs);
  });

  it('is not needed to take over from one who is gone: its lease is taken the moment it runs out', async () => {
    const lease = new HeldLease(one.checkpoints, 'follower');
    await lease.take();
    other.follower.start();
    // As a `kill -9` leaves it: not renewed, not given back.
    lease.drop();
    const goneMs = performance.now();
    await eventually(() => expect(other.follower.state().holding).toBe(true), 10_000);
    expect(performance.now() - goneMs).toBeGreaterThan(3_000);
    expect(performance.now() - goneMs).toBeLessThan(5_000);
  });
});

describe('a signal inside one process', () => {
  it('is not shared, so that whoever waits for it looks often', () => {
    expect(new Signal().isShared).toBe(false);
  });
});
