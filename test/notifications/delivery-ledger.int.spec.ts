import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import type { ClaimedDelivery, Completion } from '../../src/notifications/delivery';
import { type DeliveryBalance, DeliveryLedger } from '../../src/notifications/delivery-ledger.store';
import { type ClaimLimits, DeliveryQueue } from '../../src/notifications/delivery-queue.store';
import { DeliveryLosses } from '../../src/notifications/delivery-losses';
import { DeliveryRecords } from '../../src/notifications/delivery-records.store';
import { DeliveryReplay } from '../../src/notifications/delivery-replay.store';
import { DeliveryStore } from '../../src/notifications/delivery.store';
import type { Plan } from '../../src/notifications/notification.planner';
import { createLogger, Database } from '../../src/platform';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';

const now = new Date('2026-03-01T12:59:30Z');
const after = (seconds: number) => new Date(now.getTime() + seconds * 1000);
const hour = { since: new Date('2026-03-01T12:00:00Z'), until: new Date('2026-03-01T13:00:00Z') };
const wide: ClaimLimits = { total: 500, tried: 500, unproven: 500, room: 500, rooms: new Map() };
const personId = randomUUID();

function notify(subscriptionId: string, sequence: number, clientId = 'app.example'): Plan {
  return {
    kind: 'notify',
    subscriptionId,
    sequence,
    starts: sequence === 1,
    ends: false,
    occurredAt: now,
    notification: {
      delivery_id: randomUUID(),
      subscription_id: subscriptionId,
      sequence,
      client_id: clientId,
      service_id: '42',
      interface_version: '3.0.0',
      provider: 'aanbieder',
      person_id: personId,
      notification_type: 'subscription',
      end_date: '2026-07-01',
      correlation_id: 'conversation',
    },
  };
}

const newId = () => `${randomUUID()}.1`;
const attempt = { at: now, status: 204, error: null, durationMs: 5 };
const delivered: Completion = { state: 'delivered', attempt, isCounted: true };
const dead: Completion = { state: 'dead', attempt: { ...attempt, status: 404, error: 'status 404' }, isCounted: true };
const nothing = { planned: 0, pending: 0, sending: 0, parked: 0, delivered: 0, dead: 0, dropped: 0, lost: 0 };

describe('the balance of deliveries', () => {
  let database: TestDatabase;
  let db: Database;
  let queue: DeliveryQueue;
  let ledger: DeliveryLedger;
  let replay: DeliveryReplay;
  const store = new DeliveryStore();

  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
    queue = new DeliveryQueue(db);
    ledger = new DeliveryLedger(db);
    replay = new DeliveryReplay(db, new DeliveryRecords(db));
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });
  beforeEach(async () => {
    await db.query(
      'empty',
      'truncate delivery, delivery_attempt, notified_subscription, parked_client, delivery_ledger',
    );
  });

  const plan = (...plans: Plan[]) => store.enqueue(plans, now, db);
  const change = (subscriptionId: string, at = now, clientId = 'app.example') =>
    store.enqueueResources(
      [
        {
          subscription_id: subscriptionId,
          sequence: 1,
          client_id: clientId,
          provider: 'aanbieder',
          service_id: '42',
          interface_version: '3.0.0',
          person_id: personId,
          correlation_id: 'conversation',
          deadline_at: after(3_600),
        },
      ],
      at,
      db,
    );
  const claim = (at = now) => queue.claimDue(at, wide, 60_000);
  const finish = (delivery: ClaimedDelivery, completion: Completion) => queue.complete([{ delivery, completion }]);
  const report = (period = hour) => ledger.report(period, undefined, 100);
  const rows = () => db.query<{ planned: string }>('rows', 'select * from delivery_ledger');
  const balanceOf = (row: Partial<DeliveryBalance>) => ({
    client_id: 'app.example',
    notification_type: 'subscription',
    ...nothing,
    ...row,
  });

  it('has a line for each client and type, and each delivery in it once, wherever that stands', async () => {
    const [superseded, ended, revived, last] = [newId(), newId(), newId(), newId()];
    await plan(...[superseded, ended, revived, last, newId()].map((id) => notify(id, 1)));
    const claimed = new Map((await claim()).map((one) => [one.subscription_id, one]));
    const retry: Completion = { state: 'pending', attempt, isCounted: true, dueAt: after(60) };
    await finish(claimed.get(superseded)!, retry);
    await plan(notify(superseded, 2), notify(newId(), 1, 'parked.example'));
    await finish(claimed.get(ended)!, delivered);
    await finish(claimed.get(revived)!, dead);
    await finish(claimed.get(last)!, dead);
    await plan({ kind: 'park', clientId: 'parked.example', occurredAt: now });
    await change(ended);
    // Stood for by the one before.
    await change(ended, after(1));
    expect(await report()).toEqual(
      [
        balanceOf({ planned: 6, pending: 1, sending: 1, delivered: 1, dead: 2, dropped: 1 }),
        balanceOf({ notification_type: 'resource', planned: 1, pending: 1 }),
        balanceOf({ client_id: 'parked.example', planned: 1, parked: 1 }),
      ].sort((one, other) =>
        `${one.client_id} ${one.notification_type}` < `${other.client_id} ${other.notification_type}` ? -1 : 1,
      ),
    );
    await replay.retry(claimed.get(revived)!.delivery_id, after(5));
    const [, told] = await report();
    expect(told).toEqual(balanceOf({ planned: 6, pending: 2, sending: 1, delivered: 1, dead: 1, dropped: 1 }));
  });

  it('shows what was taken away behind the service’s back as lost, waiting or finished', async () => {
    await plan(...[newId(), newId(), newId()].map((id) => notify(id, 1)));
    const [one, other] = await claim();
    await finish(one!, delivered);
    expect(await report()).toEqual([balanceOf({ planned: 3, sending: 2, delivered: 1 })]);
    await db.query('away.finished', 'delete from delivery_attempt where delivery_id = $1', [one!.delivery_id]);
    await db.query('away.waiting', 'delete from delivery where delivery_id = $1', [other!.delivery_id]);
    expect(await report()).toEqual([balanceOf({ planned: 3, sending: 1, lost: 2 })]);
    await db.query('away.rest', 'delete from delivery');
    expect(await report()).toEqual([balanceOf({ planned: 3, lost: 3 })]);
  });

  it('raises the figure of what is lost at the next look, for the client whose it was', async () => {
    await plan(...[newId(), newId()].map((id) => notify(id, 1)), notify(newId(), 1, 'other.example'));
    await change(newId());
    const figures = async (at: Date) => {
      const registry = new Registry();
      const losses = new DeliveryLosses(ledger, registry, { now: () => at }, createLogger('silent'));
      losses.start();
      const lines = async () =>
        (await registry.metrics()).split('\n').filter((line) => line.startsWith('medmij_deliveries_lost{'));
      await eventually(async () => expect(await lines()).toHaveLength(3));
      await losses.stop();
      return (await lines()).map((line) => line.replace(/^.*client_id="(.*)",notification_type="(.*)"\} /, '$1 $2 '));
    };
    const none = ['app.example resource 0', 'app.example subscription 0', 'other.example subscription 0'];
    expect((await figures(now)).sort()).toEqual(none);
    await db.query(
      'away',
      `delete from delivery where client_id = 'app.example' and notification_type = 'subscription'`,
    );
    for (const at of [now, after(23 * 3_600)])
      expect((await figures(at)).sort()).toEqual([none[0], 'app.example subscription 2', none[2]]);
  });

  it('counts what is planned twice once, and what was rolled back never', async () => {
    const twice = notify(newId(), 1);
    await plan(twice);
    await plan(twice);
    await expect(
      db.transaction(async (queries) => {
        await store.enqueue([notify(newId(), 1)], now, queries);
        throw new Error('undone');
      }),
    ).rejects.toThrow('undone');
    expect(await report()).toEqual([balanceOf({ planned: 1, pending: 1 })]);
  });

  it('goes by the hour of planning, for one client where asked, and page by page', async () => {
    await plan(notify(newId(), 1));
    await store.enqueue([notify(newId(), 1), notify(newId(), 1, 'other.example')], after(60), db);
    const next = { since: hour.until, until: new Date('2026-03-01T14:00:00Z') };
    expect(await report()).toEqual([balanceOf({ planned: 1, pending: 1 })]);
    expect(await report({ ...next, clientId: 'other.example' } as typeof next)).toEqual([
      balanceOf({ client_id: 'other.example', planned: 1, pending: 1 }),
    ]);
    const both = { since: hour.since, until: next.until };
    const [first, second] = await report(both);
    expect([first!.planned, second!.client_id]).toEqual([2, 'other.example']);
    expect(await ledger.report(both, undefined, 1)).toEqual([first]);
    expect(await ledger.report(both, first, 1)).toEqual([second]);
    expect(await ledger.report(both, second, 1)).toEqual([]);
  });

  it('stays the same while the rows of an hour are added up, by several at once, and is forgotten in the end', async () => {
    for (let n = 0; n < 20; n += 1) await plan(notify(newId(), 1), notify(newId(), 1, 'other.example'));
    const before = await report();
    expect(await rows()).toHaveLength(40);
    await Promise.all([ledger.keep(after(10)), ledger.keep(after(10)), ledger.keep(after(10))]);
    await ledger.keep(after(10));
    expect((await rows()).map(({ planned }) => planned)).toEqual(['20', '20']);
    expect(await report()).toEqual(before);
    await ledger.keep(new Date('2028-03-31T23:59:59Z'));
    expect(await rows()).toHaveLength(2);
    await ledger.keep(new Date('2028-04-01T00:00:00Z'));
    expect(await rows()).toEqual([]);
  });

  it('adds up at every moment, whatever is planned and finished meanwhile', async () => {
    let isWorking = true;
    const planning = async () => {
      for (let n = 0; n < 40; n += 1) {
        const ids = [newId(), newId(), newId()];
        await plan(...ids.map((id) => notify(id, 1)));
        await change(ids[0]!);
      }
    };
    const finishing = async () => {
      while (isWorking) for (const one of await claim()) await finish(one, Math.random() < 0.5 ? delivered : dead);
    };
    const keeping = async () => {
      while (isWorking) await ledger.keep(now);
    };
    const others = [finishing(), keeping()];
    const looks: DeliveryBalance[][] = [];
    const looking = (async () => {
      while (isWorking) looks.push(await report());
    })();
    await planning().finally(() => (isWorking = false));
    await Promise.all([...others, looking]);
    expect(looks.length).toBeGreaterThan(10);
    for (const look of looks) for (const { lost } of look) expect(lost).toBe(0);
    expect((await report()).map(({ planned }) => planned)).toEqual([40, 120]);
  });
});
