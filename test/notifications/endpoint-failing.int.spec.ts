import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ClaimedDelivery, Completion, NotificationType } from '../../src/notifications/delivery';
import { DeliveryQueue } from '../../src/notifications/delivery-queue.store';
import { DeliveryStore } from '../../src/notifications/delivery.store';
import { EndpointRecords, type EndpointView } from '../../src/notifications/endpoint-records.store';
import { EndpointStore } from '../../src/notifications/endpoint.store';
import type { Plan } from '../../src/notifications/notification.planner';
import { Database } from '../../src/platform';
import { createDatabase, type TestDatabase } from '../support/database';

const now = new Date('2026-03-01T12:00:00Z');
const hourS = 3_600;
const after = (seconds: number) => new Date(now.getTime() + seconds * 1000);
const failed = { well: 0, failed: 1, probeFailed: false, askedPauseS: 0 };
const personId = randomUUID();

function notify(clientId: string, serviceId: string): Plan {
  const subscriptionId = `${randomUUID()}.1`;
  return {
    kind: 'notify',
    subscriptionId,
    sequence: 1,
    starts: true,
    ends: false,
    occurredAt: now,
    notification: {
      delivery_id: randomUUID(),
      subscription_id: subscriptionId,
      sequence: 1,
      client_id: clientId,
      service_id: serviceId,
      interface_version: '3.0.0',
      provider: 'aanbieder',
      person_id: personId,
      notification_type: 'subscription',
      end_date: '2026-07-01',
      correlation_id: 'conversation',
    },
  };
}

describe('the time of failure of an endpoint', () => {
  let database: TestDatabase;
  let db: Database;
  let queue: DeliveryQueue;
  let endpoints: EndpointStore;
  let records: EndpointRecords;
  const store = new DeliveryStore();

  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
    queue = new DeliveryQueue(db);
    endpoints = new EndpointStore(db);
    records = new EndpointRecords(db);
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });
  beforeEach(async () => {
    await db.query(
      'empty',
      'truncate delivery, delivery_attempt, notified_subscription, notification_endpoint, parked_client',
    );
  });

  const claim = (at: Date) =>
    queue.claimDue(at, { total: 50, tried: 50, unproven: 50, room: 50, rooms: new Map() }, 60_000);
  const answeredAt = (at: Date, status: number): Completion => ({
    state: status < 300 ? 'delivered' : 'dead',
    attempt: { at, status, error: null, durationMs: 5 },
    isCounted: true,
  });
  /** A notification to this endpoint is planned and claimed. */
  const sent = async (clientId: string, at: Date, serviceId = '42'): Promise<ClaimedDelivery> => {
    await store.enqueue([notify(clientId, serviceId)], at, db);
    const [one] = await claim(at);
    return one!;
  };
  const fails = async (clientId: string, at: Date, serviceId = '42') => {
    const { endpoint_id: id } = await sent(clientId, at, serviceId);
    await endpoints.recordFailures(new Map([[id, failed]]), at);
  };
  const answers = async (clientId: string, at: Date, { serviceId = '42', status = 204 } = {}) => {
    const delivery = await sent(clientId, at, serviceId);
    await queue.complete([{ delivery, completion: answeredAt(at, status) }], [delivery.endpoint_id]);
  };
  const shown = async (clientId: string): Promise<EndpointView> =>
    (await records.list({ clientId }, undefined, 10))[0]!;
  const failingFor = async (seconds: number) =>
    (await records.failingClients(seconds)).map(({ client_id: clientId }) => clientId);

  it('goes from the first failure after a good answer to the last one seen, and a good answer ends it', async () => {
    await answers('app.example', after(0));
    expect(await shown('app.example')).toMatchObject({ failures: 0, failing_since: null, failed_at: null });
    for (const at of [10, 13, 600]) await fails('app.example', after(at));
    expect(await shown('app.example')).toMatchObject({ failures: 3, failing_since: after(10), failed_at: after(600) });
    expect(await records.failing()).toEqual([{ client_id: 'app.example', seconds: 590, warned: 0 }]);
    await answers('app.example', after(700));
    expect(await shown('app.example')).toMatchObject({ failures: 0, failing_since: null, failed_at: null });
    expect(await records.failing()).toEqual([]);
    await fails('app.example', after(90_000));
    expect(await shown('app.example')).toMatchObject({ failing_since: after(90_000), failed_at: after(90_000) });
  });

  it('is no longer than what was seen: a single failure long ago says nothing of now', async () => {
    await fails('app.example', now);
    expect(await records.warn(after(30 * hourS), hourS)).toEqual([]);
    expect(await failingFor(hourS)).toEqual([]);
    await fails('app.example', after(hourS));
    expect(await failingFor(hourS)).toEqual(['app.example']);
  });

  it('is warned of once, by one of several that look, and again when it fails anew for that long', async () => {
    const warn = async (at: number) => {
      const all = await Promise.all([1, 2, 3].map(() => records.warn(after(at), hourS)));
      return all.flat().map(({ client_id: id, failing_since: since }) => [id, since]);
    };
    await fails('app.example', now);
    await fails('app.example', after(hourS));
    expect(await warn(hourS)).toEqual([['app.example', now]]);
    expect(await warn(hourS + 5)).toEqual([]);
    expect((await shown('app.example')).warned_at).toEqual(after(hourS));
    expect(await records.failing()).toEqual([{ client_id: 'app.example', seconds: hourS, warned: 1 }]);
    await answers('app.example', after(2 * hourS));
    await fails('app.example', after(3 * hourS));
    expect((await shown('app.example')).warned_at).toBeNull();
    expect(await records.failing()).toMatchObject([{ client_id: 'app.example', warned: 0 }]);
    expect(await warn(3 * hourS)).toEqual([]);
    await fails('app.example', after(4 * hourS));
    expect(await warn(4 * hourS)).toEqual([['app.example', after(3 * hourS)]]);
  });

  it('counts against a client only while none of its endpoints answers', async () => {
    for (const client of ['silent.example', 'half.example', 'refusing.example', 'broken.example']) {
      await answers(client, after(-2 * hourS), { serviceId: '43' });
      await fails(client, now);
      await fails(client, after(hourS));
    }
    await answers('half.example', after(600), { serviceId: '43' });
    // It is reached: what it says of this notification is another matter.
    await answers('refusing.example', after(600), { serviceId: '43', status: 404 });
    const delivery = await sent('broken.example', after(600), '43');
    await queue.complete([{ delivery, completion: answeredAt(after(600), 503) }]);
    expect(await failingFor(hourS)).toEqual(['broken.example', 'silent.example']);
    expect(await failingFor(2 * hourS)).toEqual([]);
  });

  it('begins anew when a client is resumed, in one step with that; nobody is suspended for what was before', async () => {
    await fails('app.example', now);
    await fails('app.example', after(hourS));
    await store.enqueue([{ kind: 'park', clientId: 'app.example', occurredAt: after(hourS) }], after(hourS), db);
    expect(await failingFor(hourS)).toEqual([]);
    await store.enqueue([{ kind: 'release', clientId: 'app.example', occurredAt: after(9_000) }], after(9_000), db);
    expect(await failingFor(hourS)).toEqual([]);
    await fails('app.example', after(10_000));
    expect(await shown('app.example')).toMatchObject({ failing_since: after(10_000), warned_at: null });
    expect(await failingFor(hourS)).toEqual([]);
  });

  it('is listed for each endpoint by name, in pages, and of those alone that fail where asked', async () => {
    await fails('b.example', now, '43');
    await answers('b.example', now, { serviceId: '42' });
    await answers('a.example', now);
    const all = await records.list({}, undefined, 10);
    const nameOf = ({ client_id, service_id }: EndpointView) => `${client_id} ${service_id}`;
    expect(all.map(nameOf)).toEqual(['a.example 42', 'b.example 42', 'b.example 43']);
    expect(await records.list({}, all[0], 1)).toEqual([all[1]]);
    expect((await records.list({ isFailing: true }, undefined, 10)).map(nameOf)).toEqual(['b.example 43']);
    expect((await records.list({ isFailing: false, clientId: 'b.example' }, undefined, 10)).map(nameOf)).toEqual([
      'b.example 42',
    ]);
    expect(all[0]!.notification_type satisfies NotificationType).toBe('subscription');
  });
});
