import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ClaimedDelivery, Completion } from '../../src/notifications/delivery';
import { DeliveryQueue } from '../../src/notifications/delivery-queue.store';
import { DeliveryStore } from '../../src/notifications/delivery.store';
import { plan } from '../../src/notifications/notification.planner';
import { Database } from '../../src/platform';
import { adjusted, firstId, party, started, stored } from '../support/builders';
import { createDatabase, type TestDatabase } from '../support/database';

const now = new Date('2026-03-01T12:00:00Z');
const inMinutes = (minutes: number) => new Date(now.getTime() + minutes * 60_000);
const attempt = { at: now, status: 204, error: null, durationMs: 7 };
const delivered: Completion = { state: 'delivered', attempt, isCounted: true };

describe('a resource notification beside a newer state of its subscription', () => {
  let database: TestDatabase;
  let db: Database;
  let queue: DeliveryQueue;
  const store = new DeliveryStore();

  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
    queue = new DeliveryQueue(db);
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });

  const limits = { total: 10, tried: 10, unproven: 10, room: 10, rooms: new Map<number, never>() };
  const claim = (moment = now) => queue.claimDue(moment, limits, 60_000);
  const claimedTypes = async (moment = now) => (await claim(moment)).map(({ notification_type: type }) => type);
  const finish = (claimed: ClaimedDelivery[], completion: Completion) =>
    queue.complete(claimed.map((delivery) => ({ delivery, completion })));
  const adjust = () => store.enqueue([plan(stored(adjusted(), 2, now))], now, db);
  beforeEach(async () => {
    await db.query('empty', 'truncate delivery, delivery_attempt, notified_subscription');
    await store.enqueue([plan(stored(started(), 1, now))], now, db);
    await finish(await claim(), delivered);
    const { client_id, provider, service_id, person_id } = party;
    const job = { client_id, provider, service_id, person_id, subscription_id: firstId, interface_version: '3.0.0' };
    const more = { sequence: 1, correlation_id: randomUUID(), deadline_at: inMinutes(60) };
    await store.enqueueResources([{ ...job, ...more }], now, db);
  });

  it('does not hold it up while it waits for a retry itself', async () => {
    const asked = { ...attempt, status: 429, error: 'status 429' };
    await finish(await claim(), { state: 'pending', attempt: asked, isCounted: false, dueAt: inMinutes(59) });
    await adjust();
    expect(await claimedTypes()).toEqual(['subscription']);
  });

  it('does not hold it up either when it was being sent while the state was planned', async () => {
    const resource = await claim();
    await adjust();
    const asked = { ...attempt, status: 429, error: 'status 429' };
    await finish(resource, { state: 'pending', attempt: asked, isCounted: false, dueAt: inMinutes(59) });
    expect(await claimedTypes()).toEqual(['subscription']);
  });

  it('is not sent beside it when both fall due after that', async () => {
    const resource = await claim();
    await adjust();
    await finish(resource, { state: 'pending', attempt: { ...attempt, status: 503 }, isCounted: true, dueAt: now });
    expect(await claimedTypes()).toEqual(['subscription']);
    expect(await claimedTypes()).toEqual([]);
  });

  it('goes out after it when both are due, and never at the same time', async () => {
    await adjust();
    const first = await claim();
    expect(first.map(({ notification_type: type }) => type)).toEqual(['subscription']);
    expect(await claimedTypes()).toEqual([]);
    await finish(first, delivered);
    expect(await claimedTypes()).toEqual(['resource']);
  });
});
