import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { breakerFailures } from '../../src/notifications/breaker';
import type { ClaimedDelivery } from '../../src/notifications/delivery';
import { type ClaimLimits, type DeliveryQueue } from '../../src/notifications/delivery-queue.store';
import { DeliveryStore } from '../../src/notifications/delivery.store';
import { type EndpointRates, EndpointRateStore } from '../../src/notifications/endpoint-rate.store';
import { EndpointStore } from '../../src/notifications/endpoint.store';
import type { Plan } from '../../src/notifications/notification.planner';
import { PacedDeliveryQueue } from '../../src/notifications/paced-delivery-queue';
import { Database, Signal } from '../../src/platform';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';

const now = new Date('2026-03-01T12:00:00Z');
const leaseMs = 600_000;
const limits: ClaimLimits = { total: 200, tried: 200, unproven: 200, room: 16, rooms: new Map() };

function notify(clientId: string): Plan {
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
      service_id: '42',
      interface_version: '3.0.0',
      provider: 'aanbieder',
      person_id: randomUUID(),
      notification_type: 'subscription',
      end_date: '2026-07-01',
      correlation_id: 'conversation',
    },
  };
}

describe('the rate of an endpoint', () => {
  let database: TestDatabase;
  let db: Database;
  let otherDb: Database;
  /** Of this test alone: queues of the one before may still be waiting for a slice. */
  let raised: { times: number };
  let paced: string[];
  const store = new DeliveryStore();

  beforeAll(async () => {
    database = await createDatabase();
    [db, otherDb] = await Promise.all([Database.connect(database.url), Database.connect(database.url)]);
  });
  afterAll(async () => {
    await Promise.all([db?.close(), otherDb?.close()]);
    await database?.drop();
  });
  beforeEach(async () => {
    await db.query(
      'empty',
      'truncate delivery, delivery_attempt, notified_subscription, notification_endpoint, parked_client',
    );
    raised = { times: 0 };
    paced = [];
  });

  const queueOf = (rates: EndpointRates, of = db) => {
    const planned = new Signal();
    const counter = raised;
    planned.on(() => void (counter.times += 1));
    const metrics = { paced: (clientId: string) => void paced.push(clientId) };
    return new PacedDeliveryQueue({
      database: of,
      withTraces: false,
      rates: new EndpointRateStore(of, rates),
      planned,
      metrics,
    });
  };
  const only = (clientId: string, rate: number): EndpointRates => ({ byClient: { [clientId]: rate } });
  const plan = (clientId: string, count: number) =>
    store.enqueue(
      Array.from({ length: count }, () => notify(clientId)),
      now,
      db,
    );
  const countOf = (claimed: readonly ClaimedDelivery[], clientId: string) =>
    claimed.filter(({ client_id: id }) => id === clientId).length;
  const endpoint = async (clientId: string) =>
    (
      await db.query<{ endpoint_id: number; ahead_s: number }>(
        'endpoint',
        `select endpoint_id, extract(epoch from paced_until - clock_timestamp())::float8 as ahead_s
         from notification_endpoint where client_id = $1`,
        [clientId],
      )
    )[0]!;

  it('holds for all processes together, however often they look, and costs no try', async () => {
    await plan('slow.example', 300);
    const startedMs = performance.now();
    const claims: ClaimedDelivery[] = [];
    const until = startedMs + 1_500;
    const work = async (queue: DeliveryQueue) => {
      while (performance.now() < until) claims.push(...(await queue.claimDue(now, limits, leaseMs)));
    };
    const rates = only('slow.example', 50);
    await Promise.all([work(queueOf(rates)), work(queueOf(rates)), work(queueOf(rates, otherDb))]);
    const elapsedS = (performance.now() - startedMs) / 1000;
    // One call, a tenth of a second's worth at once, and the rate of that time.
    expect(claims.length).toBeLessThanOrEqual(1 + 5 + Math.ceil(elapsedS * 50));
    expect(claims.length).toBeGreaterThan(25);
    expect(new Set(claims.map(({ delivery_id: id }) => id)).size).toBe(claims.length);
    const left = await db.query<{ attempts: number }>(
      'left',
      `select distinct attempts from delivery where state = 'pending'`,
    );
    expect(left).toEqual([{ attempts: 0 }]);
    expect(new Set(paced)).toEqual(new Set(['slow.example']));
  });

  it('is no matter of other endpoints; `*` is the rate of every client that is not named', async () => {
    await plan('slow.example', 20);
    await plan('free.example', 20);
    const claimed = await queueOf(only('slow.example', 10)).claimDue(now, limits, leaseMs);
    expect([countOf(claimed, 'slow.example'), countOf(claimed, 'free.example')]).toEqual([2, 16]);
    expect((await endpoint('free.example')).ahead_s).toBeNull();
    await plan('third.example', 20);
    const more = await queueOf({ byClient: { 'free.example': 100 }, others: 1 }).claimDue(now, limits, leaseMs);
    expect([countOf(more, 'third.example'), countOf(more, 'free.example')]).toEqual([1, 4]);
  });

  it('is spent on what goes out only: what is not used of a slice is there for the next', async () => {
    await plan('slow.example', 1);
    const queue = queueOf(only('slow.example', 1));
    // Nothing may be claimed in all, whatever the slice is.
    expect(await queue.claimDue(now, { ...limits, total: 0 }, leaseMs)).toEqual([]);
    expect(await queue.claimDue(now, limits, leaseMs)).toHaveLength(1);
    await plan('slow.example', 1);
    expect(await queue.claimDue(now, limits, leaseMs)).toEqual([]);
    // Of an endpoint at which nothing is due nothing is taken.
    await plan('idle.example', 1);
    await db.query('later', `update delivery set due_at = $1 where client_id = 'idle.example'`, [
      new Date(now.getTime() + 60_000),
    ]);
    await queueOf(only('idle.example', 1)).claimDue(now, limits, leaseMs);
    expect((await endpoint('idle.example')).ahead_s).toBeNull();
  });

  it('wakes the worker when there is a next slice, and not when everything due has gone', async () => {
    await plan('slow.example', 2);
    const queue = queueOf(only('slow.example', 2));
    expect(await queue.claimDue(now, limits, leaseMs)).toHaveLength(1);
    await eventually(() => expect(raised.times).toBe(1));
    await eventually(async () => expect(await queue.claimDue(now, limits, leaseMs)).toHaveLength(1));
    expect(await queue.claimDue(now, limits, leaseMs)).toEqual([]);
    const before = raised.times;
    await pause(600);
    expect(raised.times).toBe(before);
  });

  it('is made up for by the first ones of an endpoint that nobody knew when slices were taken', async () => {
    const queue = queueOf(only('new.example', 1));
    const rates = new EndpointRateStore(db, only('new.example', 1));
    const late = new PacedDeliveryQueue({
      database: db,
      withTraces: false,
      rates: {
        rateOf: (id) => rates.rateOf(id),
        take: () => Promise.resolve([]),
        settle: (unused) => rates.settle(unused),
      },
      planned: new Signal(),
      metrics: { paced: () => undefined },
    });
    await plan('new.example', 8);
    expect(await late.claimDue(now, { ...limits, room: 4 }, leaseMs)).toHaveLength(4);
    expect((await endpoint('new.example')).ahead_s).toBeGreaterThan(2);
    expect(await queue.claimDue(now, limits, leaseMs)).toEqual([]);
  });

  it('counts the probe of an endpoint that is out of order too, which goes out whatever is left', async () => {
    await plan('slow.example', 4);
    const queue = queueOf(only('slow.example', 1));
    expect(await queue.claimDue(now, limits, leaseMs)).toHaveLength(1);
    const { endpoint_id: id, ahead_s: before } = await endpoint('slow.example');
    await new EndpointStore(db).recordFailures(
      new Map([[id, { well: 0, failed: breakerFailures, probeFailed: false, askedPauseS: 0 }]]),
      new Date(now.getTime() - 600_000),
    );
    const [probe] = await queue.claimDue(now, limits, leaseMs);
    expect(probe!.is_probe).toBe(true);
    expect((await endpoint('slow.example')).ahead_s).toBeGreaterThan(before);
  });
});
