import { randomInt, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  CheckpointStore,
  EventStore,
  LogAccess,
  LogReader,
  type Position,
  type StoredEvent,
} from '../../src/event-store';
import type { Fact } from '../../src/event-store';
import { createLogger, Database, Signal } from '../../src/platform';
import {
  SubscriptionCounts,
  type SubscriptionFilter,
  SubscriptionViewStore,
  ViewRetention,
} from '../../src/projections';
import { ProjectionStore } from '../../src/projections/projection.store';
import type { SubscriptionView } from '../../src/projections/subscription.projection';
import { createProjector } from '../../src/projections/subscription.projector';
import { Refused } from '../../src/refusals';
import type { SubscriptionCommand } from '../../src/subscriptions/subscription.commands';
import { decide, evolve, initialState } from '../../src/subscriptions/subscription.decider';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { seededRandom } from '../support/random';

const today = '2026-03-01';

/** A row of the ordinary kind; the test says what matters to it. */
function view(given: Partial<SubscriptionView> = {}): SubscriptionView {
  const streamId = randomUUID();
  return {
    subscription_id: `${streamId}.1`,
    stream_id: streamId,
    client_id: 'app.example',
    provider: 'aanbieder',
    service_id: '42',
    person_id: randomUUID(),
    status: 'active',
    end_date: '2026-07-01',
    interface_version: '3.0.0',
    version: 1,
    started_at: new Date('2026-01-02T11:00:00.123Z'),
    updated_at: new Date('2026-01-02T11:00:00.123Z'),
    end_reason: null,
    suspended_by: null,
    ...given,
  };
}

/** A reader whose pages are small, and which never lets its follower rest before the end. */
class SmallPages extends LogReader {
  constructor(
    database: Database,
    private readonly size: number,
    private readonly again: Signal,
  ) {
    super(database, 'main');
  }

  override async page<F extends Fact>(after: Position, limit: number): Promise<StoredEvent<F>[]> {
    const page = await super.page<F>(after, Math.min(limit, this.size));
    if (page.length > 0) setImmediate(() => this.again.raise());
    return page;
  }
}

describe('the subscription view', () => {
  let database: TestDatabase;
  let db: Database;
  let store: SubscriptionViewStore;
  let counts: SubscriptionCounts;
  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
    store = new SubscriptionViewStore(db);
    counts = new SubscriptionCounts(db);
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });
  beforeEach(() => db.query('empty', 'truncate subscription_view'));

  describe('written', () => {
    it('gives back what was put, all at once', async () => {
      const views = [
        view(),
        view({ status: 'terminated', end_reason: 'client_endpoint', end_date: '2026-02-01' }),
        view({ status: 'suspended', suspended_by: 'operator', version: 7 }),
      ];
      await store.put(0, views, db);
      const found = await store.viewsOf(0, [...views.map(({ subscription_id }) => subscription_id), 'nothing'], db);
      expect([...found.values()]).toEqual(expect.arrayContaining(views));
      expect(found.size).toBe(3);
      expect(await store.find(views[1]!.subscription_id, today)).toEqual(views[1]);
      expect(await store.find('nothing', today)).toBeUndefined();
    });

    it('only ever moves to a higher version', async () => {
      const second = view({ version: 2, end_date: '2026-08-01' });
      await store.put(0, [second], db);
      await store.put(0, [{ ...second, version: 1, end_date: '2026-07-01' }], db);
      await store.put(0, [{ ...second, end_date: '2026-09-01' }], db);
      expect(await store.find(second.subscription_id, today)).toEqual(second);
      const third = { ...second, version: 3, status: 'terminated', end_reason: 'person' } as const;
      await store.put(0, [third, view()], db);
      expect(await store.find(second.subscription_id, today)).toEqual(third);
    });

    it('takes a page of nothing', async () => {
      await expect(store.put(0, [], db)).resolves.toBeUndefined();
    });
  });

  describe('read on a day', () => {
    const rows = {
      running: view({ end_date: '2026-03-02' }),
      lapsedToday: view({ end_date: '2026-03-01' }),
      suspended: view({ status: 'suspended', suspended_by: 'operator', end_date: '2026-03-02' }),
      lapsedSuspended: view({ status: 'suspended', suspended_by: 'provider', end_date: '2026-02-28' }),
      terminated: view({ status: 'terminated', end_reason: 'person', end_date: '2026-02-01' }),
      expired: view({ status: 'expired', end_reason: 'expired', end_date: '2026-02-02' }),
    };
    const asRead = (row: SubscriptionView): SubscriptionView =>
      row === rows.lapsedToday || row === rows.lapsedSuspended
        ? { ...row, status: 'expired', end_reason: 'expired', suspended_by: null }
        : row;
    beforeEach(() => store.put(0, Object.values(rows), db));

    it('is expired from its end date on, noticed or not', async () => {
      for (const row of Object.values(rows)) expect(await store.find(row.subscription_id, today)).toEqual(asRead(row));
      expect(await store.find(rows.lapsedToday.subscription_id, '2026-02-28')).toEqual(rows.lapsedToday);
    });

    it.each(['active', 'suspended', 'terminated', 'expired'] as const)(
      'is listed as %s by the date',
      async (status) => {
        const wanted = Object.values(rows)
          .map(asRead)
          .filter((row) => row.status === status);
        const listed = (await store.list({ status }, undefined, 50, today)).map(({ place: _place, ...row }) => row);
        expect(listed).toHaveLength(wanted.length);
        expect(listed).toEqual(expect.arrayContaining(wanted));
      },
    );

    it('is counted by the date', async () => {
      expect(await counts.byStatus(today)).toEqual({ active: 1, suspended: 1, terminated: 1, expired: 3 });
      expect(await counts.byStatus('2026-02-27')).toEqual({ active: 2, suspended: 2, terminated: 1, expired: 1 });
      await db.query('empty', 'truncate subscription_view');
      expect(await counts.byStatus(today)).toEqual({ active: 0, suspended: 0, terminated: 0, expired: 0 });
    });

    it('is still written as it was recorded: the date decides when reading', async () => {
      const found = await store.viewsOf(0, [rows.lapsedSuspended.subscription_id], db);
      expect([...found.values()]).toEqual([rows.lapsedSuspended]);
    });
  });

  describe('listed', () => {
    const statuses = ['active', 'suspended', 'terminated', 'expired'] as const;
    const persons = Array.from({ length: 3 }, () => randomUUID());
    /** 60 rows, many of them started in the same millisecond. */
    const views = Array.from({ length: 60 }, (_, n) =>
      view({
        client_id: `client ${n % 2}`,
        provider: `provider ${n % 3}`,
        service_id: `service ${n % 5}`,
        person_id: persons[n % 3]!,
        status: statuses[n % 4]!,
        end_reason: n % 4 === 2 ? 'person' : n % 4 === 3 ? 'expired' : null,
        started_at: new Date(Date.UTC(2026, 0, 1) + Math.floor(n / 20)),
      }),
    );
    beforeEach(() => store.put(0, views, db));

    const newestFirst = (a: SubscriptionView, b: SubscriptionView) =>
      b.started_at.getTime() - a.started_at.getTime() || (a.subscription_id < b.subscription_id ? 1 : -1);
    const pages = async (filter: SubscriptionFilter, limit: number, between = () => Promise.resolve()) => {
      const rows: string[] = [];
      let last: { startedAt: string; subscriptionId: string } | undefined;
      for (;;) {
        const page = await store.list(filter, last, limit, today);
        rows.push(...page.map(({ subscription_id }) => subscription_id));
        if (page.length < limit) return rows;
        const { place, subscription_id } = page.at(-1)!;
        last = { startedAt: place, subscriptionId: subscription_id };
        await between();
      }
    };
    const ids = (rows: SubscriptionView[]) => rows.map(({ subscription_id }) => subscription_id);

    it('page by page shows each once, newest first, without gaps', async () => {
      for (const limit of [1, 7, 20, 59]) expect(await pages({}, limit)).toEqual(ids([...views].sort(newestFirst)));
    });

    it('page by page shows what was there, whatever starts meanwhile', async () => {
      const start = () => store.put(0, [view({ started_at: new Date('2026-02-01T00:00:00Z') })], db);
      expect(await pages({}, 7, start)).toEqual(ids([...views].sort(newestFirst)));
    });

    it.each<SubscriptionFilter>([
      { client_id: 'client 1' },
      { provider: 'provider 2' },
      { service_id: 'service 3' },
      { status: 'active' },
      { person_id: persons[1] },
      { provider: 'provider 1', service_id: 'service 1' },
      { client_id: 'client 0', status: 'terminated' },
      {
        client_id: 'client 1',
        provider: 'provider 1',
        service_id: 'service 1',
        person_id: persons[1],
        status: 'expired',
      },
      { client_id: 'nobody' },
    ])('by %j shows those alone', async (filter) => {
      const wanted = views.filter((row) =>
        Object.entries(filter).every(([name, value]) => row[name as keyof SubscriptionView] === value),
      );
      expect(await pages(filter, 4)).toEqual(ids(wanted.sort(newestFirst)));
    });

    it('takes a filter that is named and left open as one that is not named', async () => {
      const open = await store.list({ client_id: undefined, provider: 'provider 1' }, undefined, 100, today);
      const closed = await store.list({ client_id: 'client 1', provider: 'provider 1' }, undefined, 100, today);
      expect(open).toHaveLength(20);
      expect(closed).toEqual(open.filter(({ client_id: client }) => client === 'client 1'));
    });
  });

  describe('of a client that is suspended', () => {
    const resting = 'resting.example';
    const clients = [resting, 'app.example', 'resting too.example'];
    const statuses = ['active', 'suspended', 'terminated', 'expired', 'active'] as const;
    /** 90 rows of three clients, many of them started in the same millisecond; two in ten have lapsed. */
    const views = Array.from({ length: 90 }, (_, n) => {
      const status = statuses[n % 5]!;
      return view({
        client_id: clients[n % 3]!,
        provider: `provider ${n % 2}`,
        status,
        suspended_by: status === 'suspended' ? 'provider' : null,
        end_reason: status === 'terminated' ? 'person' : status === 'expired' ? 'expired' : null,
        end_date: n % 10 === 4 ? '2026-02-28' : '2026-07-01',
        started_at: new Date(Date.UTC(2026, 0, 1) + Math.floor(n / 25)),
      });
    });
    const suspend = (...ids: string[]) =>
      db.query(
        'suspend',
        `insert into suspended_client (client_id, suspended_at, reason) select *, now(), 'operator' from unnest($1::text[])`,
        [ids],
      );
    beforeEach(async () => {
      await store.put(0, views, db);
      await suspend(resting, 'resting too.example');
    });
    afterEach(() => db.query('resume', 'truncate suspended_client'));

    const asRead = (row: SubscriptionView, isClientSuspended = row.client_id !== 'app.example'): SubscriptionView => {
      const isRunning = row.status === 'active' || row.status === 'suspended';
      if (isRunning && row.end_date <= today)
        return { ...row, status: 'expired', end_reason: 'expired', suspended_by: null };
      return isRunning && isClientSuspended ? { ...row, status: 'suspended', suspended_by: 'client' } : row;
    };
    const newestFirst = (a: SubscriptionView, b: SubscriptionView) =>
      b.started_at.getTime() - a.started_at.getTime() || (a.subscription_id < b.subscription_id ? 1 : -1);
    const pages = async (filter: SubscriptionFilter, limit: number) => {
      const rows: SubscriptionView[] = [];
      let last: { startedAt: string; subscriptionId: string } | undefined;
      for (;;) {
        const page = await store.list(filter, last, limit, today);
        rows.push(...page.map(({ place: _place, ...row }) => row));
        if (page.length < limit) return rows;
        last = { startedAt: page.at(-1)!.place, subscriptionId: page.at(-1)!.subscription_id };
      }
    };

    it('reads as suspended by the client while it runs, whatever it was before', async () => {
      for (const row of views) expect(await store.find(row.subscription_id, today)).toEqual(asRead(row));
    });

    it.each<SubscriptionFilter>([
      {},
      { status: 'active' },
      { status: 'suspended' },
      { status: 'terminated' },
      { status: 'expired' },
      { status: 'suspended', client_id: resting },
      { status: 'suspended', client_id: 'app.example' },
      { status: 'active', client_id: resting },
      { status: 'suspended', provider: 'provider 1' },
    ])('is listed by %j as it reads, page by page, once and newest first', async (filter) => {
      const wanted = views
        .map((row) => asRead(row))
        .filter((row) => Object.entries(filter).every(([name, value]) => row[name as keyof SubscriptionView] === value))
        .sort(newestFirst);
      for (const limit of [4, 7, 100]) expect(await pages(filter, limit)).toEqual(wanted);
    });

    it('is counted as it reads, and as it was once the client is resumed', async () => {
      const countOf = (rows: SubscriptionView[], status: string) => rows.filter((row) => row.status === status).length;
      const expected = (rows: SubscriptionView[]) =>
        Object.fromEntries(statuses.map((status) => [status, countOf(rows, status)]));
      expect(await counts.byStatus(today)).toEqual(expected(views.map((row) => asRead(row))));
      await db.query('resume', 'truncate suspended_client');
      expect(await counts.byStatus(today)).toEqual(expected(views.map((row) => asRead(row, false))));
      const first = views.find((row) => row.client_id === resting && row.status === 'active')!;
      expect(await store.find(first.subscription_id, today)).toEqual(asRead(first, false));
    });

    it('counts among what has not ended, suspended or not', async () => {
      const running = (client: string) =>
        views.filter((row) => row.client_id === client && /active|suspended/.test(row.status) && row.end_date > today)
          .length;
      expect(await counts.running([resting, 'app.example', 'nobody.example'], today)).toEqual(
        new Map([
          [resting, running(resting)],
          ['app.example', running('app.example')],
        ]),
      );
    });
  });

  describe('built from the log', () => {
    const rowsNow = () => db.query('rows', 'select * from subscription_view order by subscription_id');
    /** Runs the projector to the end of the log, in pages of this size. */
    const project = async (pageSize: number, isDone: () => boolean = () => true) => {
      const again = new Signal();
      const access = new LogAccess(
        db,
        new SmallPages(db, pageSize, again),
        new CheckpointStore(db, 'main'),
        again,
        createLogger('silent'),
      );
      const projector = createProjector(access, store, 0);
      projector.start();
      await eventually(async () => {
        expect(isDone()).toBe(true);
        expect((await projector.lag()).events).toBe(0);
      });
      await projector.stop();
    };
    const forgetCheckpoint = () => db.query('forget', 'delete from log_reader');

    /** Lives of subscriptions as the rules allow them: random orders, refused ones left out. */
    const liveThrough = async (random: () => number) => {
      const eventStore = new EventStore(db, 'main', new Signal());
      const pick = <Item>(...items: Item[]) => items[Math.floor(random() * items.length)]!;
      const trace = { correlation_id: 'c', causation_id: 'c' };
      const streams = Array.from({ length: 40 }, () => ({
        streamId: randomUUID(),
        party: { client_id: pick('a', 'b'), provider: 'p', service_id: pick('41', '42'), person_id: randomUUID() },
        state: initialState,
        version: 0,
      }));
      let now = new Date('2026-01-01T09:00:00Z');
      for (let turn = 0; turn < 500; turn += 1) {
        now = new Date(now.getTime() + Math.floor(random() * 6 * 60 * 60 * 1000));
        const stream = pick(...streams);
        const id = stream.state.latest?.subscriptionId ?? 'none';
        const command: SubscriptionCommand = pick<() => SubscriptionCommand>(
          ...Array<() => SubscriptionCommand>(3).fill(() => ({
            type: 'Subscribe',
            party: stream.party,
            streamId: stream.streamId,
            interfaceVersion: '3.0.0',
            grantedDays: 1 + Math.floor(random() * 60),
            authorizationId: randomUUID(),
            authorizedAt: now,
            now,
          })),
          () => ({ type: 'Terminate', reason: pick('person', 'operator', 'client_endpoint'), now }),
          () => ({ type: 'Suspend', subscriptionId: id, by: pick('provider', 'operator'), now }),
          () => ({ type: 'Resume', subscriptionId: id, by: pick('provider', 'operator'), now }),
          () => ({ type: 'Expire', now }),
        )();
        try {
          const facts = decide(command, stream.state);
          if (facts.length === 0) continue;
          const [result] = await eventStore.append([
            { streamId: stream.streamId, expectedVersion: stream.version, facts, dueOn: null, trace, occurredAt: now },
          ]);
          expect(result!.outcome).toBe('appended');
          stream.state = facts.reduce(evolve, stream.state);
          stream.version += facts.length;
        } catch (error) {
          if (!(error instanceof Refused)) throw error;
        }
      }
      return streams;
    };

    it('anew is the same as live, whatever the pages, and from a half-way start or over what is there', async () => {
      const seed = randomInt(2 ** 31);
      let isWritten = false;
      const live = project(1_000, () => isWritten);
      const streams = await liveThrough(seededRandom(seed)).finally(() => (isWritten = true));
      await live;
      const liveRows = await rowsNow();
      expect(liveRows.length).toBeGreaterThan(40);
      for (const { state } of streams.filter(({ state: { latest } }) => latest)) {
        const found = liveRows.find((row) => row.subscription_id === state.latest!.subscriptionId);
        expect({ seed, status: found?.status }).toEqual({ seed, status: state.latest!.status });
      }

      await db.query('empty', 'truncate subscription_view');
      await forgetCheckpoint();
      await project(13);
      expect({ seed, rows: await rowsNow() }).toEqual({ seed, rows: liveRows });

      // A checkpoint lost: everything is read once more over the rows that are there.
      await forgetCheckpoint();
      await project(50);
      expect({ seed, rows: await rowsNow() }).toEqual({ seed, rows: liveRows });
    });
  });

  it('forgets in every version what is destroyed, and knows who still has one in the live version', async () => {
    const [gone, kept, elsewhere] = [view(), view(), view()];
    await store.put(0, [gone, kept], db);
    await store.put(1, [gone, elsewhere], db);
    await new ViewRetention().forget([gone.subscription_id], db);
    const left = await db.query('left', 'select subscription_id from subscription_view order by slot');
    expect(left).toEqual([kept, elsewhere].map(({ subscription_id }) => ({ subscription_id })));
    const persons = [gone, kept, elsewhere].map(({ person_id }) => person_id);
    expect(await new ViewRetention().personsIn(persons, db)).toEqual([kept.person_id]);
  });

  it('is built anew by nobody while subscriptions are destroyed, for what was read before would come back', async () => {
    const projections = new ProjectionStore(db, new LogReader(db, 'main'));
    let asked: Promise<unknown> = Promise.resolve();
    let isAsked = false;
    await db.transaction(async (queries) => {
      expect(await new ViewRetention().isBuilding(queries)).toBe(false);
      asked = projections.askRebuild('subscriptions').then(() => (isAsked = true));
      await eventually(async () =>
        expect(
          await db.query(
            'waiting',
            `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
          ),
        ).toHaveLength(1),
      );
      expect(isAsked).toBe(false);
    });
    await asked;
    expect(await db.transaction((queries) => new ViewRetention().isBuilding(queries))).toBe(true);
  });
});
