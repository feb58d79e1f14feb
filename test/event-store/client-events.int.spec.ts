import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CloudEvent as SdkEvent } from 'cloudevents';
import { clientEventDataSchemas, clientForms } from '../../src/clients';
import {
  CheckpointStore,
  EventStore,
  type Fact,
  LogAccess,
  type LogFollower,
  LogReader,
  startOfLog,
  type Trace,
  upcastBy,
} from '../../src/event-store';
import { DeliveryStore } from '../../src/notifications';
import { createPlanner } from '../../src/notifications/planner.reader';
import { createLogger, Database, Signal } from '../../src/platform';
import { SubscriptionViewStore } from '../../src/projections';
import { ProjectionStore } from '../../src/projections/projection.store';
import { ProjectionCheck } from '../../src/projections/projection-check';
import { createProjector } from '../../src/projections/subscription.projector';
import { cloudEvent } from '../../src/relay';
import { subscriptionForms } from '../../src/subscriptions';
import { firstId, started, streamId } from '../support/builders';
import { TestClock } from '../support/clock';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';

/** An event of its version as the log holds it. */
interface Fixture {
  /** The fixtures that come before it in its stream. */
  after: string[];
  recorded: { type: string; data: object; metadata: Trace; occurred_at: string };
}

const folder = join(__dirname, 'fixtures');
const fixtures = new Map(
  readdirSync(folder)
    .filter((file) => file.startsWith('client.'))
    .map((file) => [
      file.replace(/^client\.|\.json$/g, ''),
      JSON.parse(readFileSync(join(folder, file), 'utf8')) as Fixture,
    ]),
);
const clientStream = '8b9f7a44-5b0e-8c11-9d3e-5f0c7d2a1b33';

describe('the events of clients', () => {
  let database: TestDatabase;
  let db: Database;
  let reader: LogReader;
  let access: LogAccess;
  const following: LogFollower<Fact>[] = [];
  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
    reader = new LogReader(db, 'main');
    const upcast = upcastBy(subscriptionForms, clientForms);
    const checkpoints = new CheckpointStore(db, 'main');
    access = new LogAccess(db, reader, checkpoints, new Signal(), createLogger('silent'), upcast);
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });
  afterEach(async () => {
    await Promise.all(following.splice(0).map((follower) => follower.stop()));
    await db.query(
      'empty',
      'truncate event, stream, log_reader, parked_stream, subscription_view, delivery, notified_subscription',
    );
  });

  const append = async (
    stream: string,
    version: number,
    { type, data, metadata, occurred_at }: Fixture['recorded'],
  ) => {
    const [result] = await new EventStore(db, 'main', new Signal()).append([
      {
        streamId: stream,
        expectedVersion: version,
        facts: [{ type, data }],
        dueOn: null,
        trace: metadata,
        occurredAt: new Date(occurred_at),
      },
    ]);
    expect(result?.outcome).toBe('appended');
  };
  const readAll = async () => {
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
    return views;
  };

  it('have a fixture each', () => {
    expect([...fixtures.keys()].map((name) => `nl.medmij.client.${name}`)).toEqual(
      expect.arrayContaining(Object.keys(clientEventDataSchemas)),
    );
  });

  it.each([...fixtures.keys()])('go out as they were recorded, by the id of the client: %s', async (name) => {
    const chain = [...fixtures.get(name)!.after, name].map((one) => fixtures.get(one)!.recorded);
    for (const [version, recorded] of chain.entries()) await append(clientStream, version, recorded);
    // Another test's transaction in the same cluster may hold the log back for a moment.
    const page = await eventually(async () => {
      const events = await reader.page(startOfLog, 100);
      expect(events).toHaveLength(chain.length);
      return events;
    });
    const published = page.map((event) => cloudEvent(event, 'https://ours.example'));
    const { data, extensions, ...attributes } = published.at(-1)!;
    expect(attributes).toMatchObject({ type: chain.at(-1)!.type, subject: 'app.example' });
    expect(data).toEqual(chain.at(-1)!.data);
    expect(new SdkEvent({ ...attributes, ...extensions, data }).validate()).toBe(true);
    const schemas: Record<string, { safeParse(data: unknown): { error?: unknown } }> = clientEventDataSchemas;
    expect(schemas[attributes.type]?.safeParse(data).error).toBeUndefined();
  });

  it('stand in one log with those of subscriptions, whose readers pass them by', async () => {
    const metadata = { correlation_id: 'conversation', causation_id: randomUUID() };
    for (const [version, name] of ['suspended.v1', 'resumed.v1'].entries())
      await append(clientStream, version, fixtures.get(name)!.recorded);
    await append(streamId, 0, { ...started(), metadata, occurred_at: '2026-01-02T11:00:00.000Z' });

    const views = await readAll();

    expect(await views.find(firstId, '2026-01-03')).toMatchObject({ status: 'active', version: 1 });
    const told = await db.query<{ id: string }>('told', 'select delivery_id as id from delivery');
    expect(told).toHaveLength(1);
    const check = new ProjectionCheck(access, new ProjectionStore(db, reader), views);
    expect(await check.compare()).toMatchObject({ checked: 1, differing: [] });
  });

  it('of an unknown form park the stream of their client, and no other', async () => {
    const { recorded } = fixtures.get('suspended.v1')!;
    await append(clientStream, 0, { ...recorded, type: 'nl.medmij.client.suspended.v99' });
    const metadata = { correlation_id: 'conversation', causation_id: randomUUID() };
    await append(streamId, 0, { ...started(), metadata, occurred_at: '2026-01-02T11:00:00.000Z' });
    const projector = createProjector(access, new SubscriptionViewStore(db), 0);
    following.push(projector);
    projector.start();
    await eventually(async () => expect(await projector.check()).toMatchObject({ status: 'degraded' }));
    expect(await new SubscriptionViewStore(db).find(firstId, '2026-01-03')).toMatchObject({ status: 'active' });
  });
});
