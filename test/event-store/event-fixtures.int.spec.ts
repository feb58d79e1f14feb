import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CloudEvent as SdkEvent } from 'cloudevents';
import {
  CheckpointStore,
  EventStore,
  type Fact,
  LogAccess,
  type LogFollower,
  LogReader,
  startOfLog,
  type Trace,
  type Upcast,
  upcastBy,
} from '../../src/event-store';
import { DeliveryStore } from '../../src/notifications';
import { plan } from '../../src/notifications/notification.planner';
import { createPlanner } from '../../src/notifications/planner.reader';
import { createLogger, Database, Signal } from '../../src/platform';
import { SubscriptionViewStore } from '../../src/projections';
import { createProjector } from '../../src/projections/subscription.projector';
import { cloudEvent } from '../../src/relay';
import { eventDataSchemas, type SubscriptionEvent, subscriptionForms, upcast } from '../../src/subscriptions';
import { evolve, initialState } from '../../src/subscriptions/subscription.decider';
import { streamId } from '../support/builders';
import { TestClock } from '../support/clock';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';

/** An event of its version as the log holds it, and what it has meant ever since. */
interface Fixture {
  /** The fixtures that come before it in its stream. */
  after: string[];
  recorded: { type: string; data: Record<string, unknown>; metadata: Trace; occurred_at: string };
  view: Record<string, unknown>;
  plan: 'notify' | 'silence' | 'nothing';
}

const folder = join(__dirname, 'fixtures');
const fixtures = new Map(
  readdirSync(folder)
    .filter((file) => file.startsWith('subscription.'))
    .map((file) => [
      file.replace(/^subscription\.|\.json$/g, ''),
      JSON.parse(readFileSync(join(folder, file), 'utf8')) as Fixture,
    ]),
);
const source = 'https://subscriptions.example';

describe('the events of every version there has been', () => {
  let database: TestDatabase;
  let db: Database;
  const following: LogFollower<Fact>[] = [];
  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });
  afterEach(async () => {
    await Promise.all(following.splice(0).map((follower) => follower.stop()));
    await db.query(
      'empty',
      'truncate event, stream, log_reader, parked_stream, subscription_view, delivery, delivery_attempt, notified_subscription',
    );
  });

  const chainOf = (name: string): Fixture['recorded'][] =>
    [...fixtures.get(name)!.after, name].map((one) => fixtures.get(one)!.recorded);

  /** The log as it was written then, read by the code of today. */
  const replay = async (recorded: Fixture['recorded'][], newest: Upcast = upcast) => {
    const writing = new EventStore(db, 'main', new Signal());
    for (const [index, { type, data, metadata, occurred_at: at }] of recorded.entries()) {
      const [result] = await writing.append([
        {
          streamId,
          expectedVersion: index,
          facts: [{ type, data }],
          dueOn: null,
          trace: metadata,
          occurredAt: new Date(at),
        },
      ]);
      expect(result?.outcome).toBe('appended');
    }
    const reader = new LogReader(db, 'main');
    const checkpoints = new CheckpointStore(db, 'main');
    const access = new LogAccess(db, reader, checkpoints, new Signal(), createLogger('silent'), newest);
    const views = new SubscriptionViewStore(db);
    following.push(
      createProjector(access, views, 0),
      createPlanner(access, new DeliveryStore(), new TestClock(), new Signal()),
    );
    for (const follower of following) {
      follower.start();
      await eventually(async () => {
        expect((await follower.lag()).events).toBe(0);
        expect(await follower.check()).toEqual({ status: 'ok' });
      });
    }
    const subscriptionId = String(recorded.at(-1)!.data.subscription_id);
    const { events } = (
      await new EventStore(db, 'main', new Signal(), newest).read<SubscriptionEvent>([{ target: { streamId } }])
    )[0]!;
    return {
      state: events.reduce(evolve, initialState),
      plans: events.map((event) => plan(event)),
      view: await views.find(subscriptionId, '2026-01-01'),
      told: await db.query<{ sequence: number; end_date: string }>(
        'told',
        `select sequence, end_date::text as end_date from delivery
         union all select sequence, end_date::text from delivery_attempt order by sequence`,
      ),
      published: (await reader.page<Fact>(startOfLog, 100)).map((event) => cloudEvent(event, source)),
    };
  };

  it('have a fixture each', () => {
    expect([...fixtures.keys()].map((name) => `nl.medmij.subscription.${name}`)).toEqual(
      expect.arrayContaining(Object.keys(eventDataSchemas)),
    );
  });

  it.each([...fixtures.keys()])('are understood as on their first day: %s', async (name) => {
    const { recorded, view, plan: kind } = fixtures.get(name)!;
    const chain = chainOf(name);
    const replayed = await replay(chain);

    expect(replayed.state).toMatchObject({
      begun: 1,
      latest: { subscriptionId: recorded.data.subscription_id, status: view.status, endDate: view.end_date },
    });
    expect(replayed.view).toMatchObject({
      ...view,
      client_id: recorded.data.client_id,
      version: chain.length,
      started_at: new Date(chain[0]!.occurred_at),
      updated_at: new Date(recorded.occurred_at),
    });
    // What the client is told: nothing, where a plan only makes its notifications wait or go on.
    const planned = replayed.plans.at(-1)!.kind;
    expect(planned === 'notify' || planned === 'silence' ? planned : 'nothing').toBe(kind);
    const lastTold = replayed.told.filter(({ sequence }) => sequence === chain.length);
    expect(lastTold).toEqual(kind === 'notify' ? [{ sequence: chain.length, end_date: view.end_date }] : []);

    const published = replayed.published.at(-1)!;
    expect([published.type, published.data]).toEqual([recorded.type, recorded.data]);
    const { data, extensions, ...attributes } = published;
    expect(new SdkEvent({ ...attributes, ...extensions, data }).validate()).toBe(true);
    const schema = (eventDataSchemas as Record<string, (typeof eventDataSchemas)[keyof typeof eventDataSchemas]>)[
      recorded.type
    ];
    expect(schema?.safeParse(data).error).toBeUndefined();
  });

  it('in an older form mean the same to whoever acts on them, and are published as they were recorded', async () => {
    const present = fixtures.get('started.v1')!.recorded;
    const { end_date: until, ...rest } = present.data;
    const old = { ...present, type: 'nl.medmij.subscription.started.v0', data: { ...rest, until } };
    const steps = {
      [old.type]: (data: object) => {
        const { until: endDate, ...others } = data as { until: string };
        return { type: present.type, data: { ...others, end_date: endDate } };
      },
    };
    const adjusted = fixtures.get('adjusted.v1')!.recorded;
    const replayed = await replay([old, adjusted], upcastBy({ ...subscriptionForms, upcasters: steps }));
    expect(replayed.state).toMatchObject({ begun: 1, latest: { status: 'active', endDate: '2026-08-01' } });
    expect(replayed.view).toMatchObject({ status: 'active', end_date: '2026-08-01', version: 2 });
    expect(replayed.told).toEqual([
      { sequence: 1, end_date: '2026-07-01' },
      { sequence: 2, end_date: '2026-08-01' },
    ]);
    expect(replayed.published.map(({ type, data }) => [type, data])).toEqual([
      [old.type, old.data],
      [adjusted.type, adjusted.data],
    ]);
  });
});
