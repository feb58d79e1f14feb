import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DestructionRecords, keptByMonth } from '../../src/audit';
import { breakerFailures } from '../../src/notifications/breaker';
import { CompletionBatcher } from '../../src/notifications/completion-batcher';
import type { ClaimedDelivery, Completion, PlannedResource } from '../../src/notifications/delivery';
import { type ClaimLimits, DeliveryQueue } from '../../src/notifications/delivery-queue.store';
import { DeliveryRecords } from '../../src/notifications/delivery-records.store';
import { DeliveryReplay } from '../../src/notifications/delivery-replay.store';
import { DeliveryStore } from '../../src/notifications/delivery.store';
import { EndpointStore } from '../../src/notifications/endpoint.store';
import type { Plan } from '../../src/notifications/notification.planner';
import { Database } from '../../src/platform';
import { TestClock } from '../support/clock';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';

const now = new Date('2026-03-01T12:00:00Z');
const after = (seconds: number) => new Date(now.getTime() + seconds * 1000);
const personId = randomUUID();
const leaseMs = 60_000;
const wide: ClaimLimits = { total: 100, tried: 100, unproven: 100, room: 100, rooms: new Map() };

function notify(
  subscriptionId: string,
  sequence: number,
  given: { clientId?: string; ends?: boolean; starts?: boolean } = {},
): Plan {
  return {
    kind: 'notify',
    subscriptionId,
    sequence,
    starts: given.starts ?? sequence === 1,
    ends: given.ends ?? false,
    occurredAt: now,
    notification: {
      delivery_id: randomUUID(),
      subscription_id: subscriptionId,
      sequence,
      client_id: given.clientId ?? 'app.example',
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
const attempt = (at: Date, status = 204, error: string | null = null) => ({ at, status, error, durationMs: 5 });
const delivered = (at = now): Completion => ({ state: 'delivered', attempt: attempt(at), isCounted: true });
const dead = (at = now): Completion => ({ state: 'dead', attempt: attempt(at, 404, 'status 404'), isCounted: true });
const retryAt = (dueAt: Date, isCounted = true): Completion => ({
  state: 'pending',
  attempt: attempt(now, 503, 'status 503'),
  dueAt,
  isCounted,
});

describe('the delivery engine', () => {
  let database: TestDatabase;
  let db: Database;
  const store = new DeliveryStore();
  let queue: DeliveryQueue;
  let records: DeliveryRecords;
  let endpoints: EndpointStore;
  let replay: DeliveryReplay;
  let subscription: string;

  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
    queue = new DeliveryQueue(db);
    records = new DeliveryRecords(db);
    endpoints = new EndpointStore(db);
    replay = new DeliveryReplay(db, records);
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });
  beforeEach(async () => {
    await db.query(
      'empty',
      'truncate delivery, delivery_attempt, notified_subscription, parked_client, notification_endpoint',
    );
    subscription = newId();
  });

  const enqueue = (...plans: Plan[]) => store.enqueue(plans, now, db);
  const resource = (given: Partial<PlannedResource> = {}): PlannedResource => ({
    subscription_id: subscription,
    sequence: 1,
    client_id: 'app.example',
    provider: 'aanbieder',
    service_id: '42',
    interface_version: '3.0.0',
    person_id: personId,
    correlation_id: 'conversation',
    deadline_at: after(3600),
    ...given,
  });
  const change = (given: Partial<PlannedResource> = {}, at = now) => store.enqueueResources([resource(given)], at, db);
  const claim = (at = now, limits: Partial<ClaimLimits> = {}) => queue.claimDue(at, { ...wide, ...limits }, leaseMs);
  const finish = (delivery: ClaimedDelivery, completion: Completion, well: number[] = []) =>
    queue.complete([{ delivery, completion }], well);
  const typesOf = (claimed: readonly ClaimedDelivery[]) => claimed.map(({ notification_type: type }) => type);
  const listed = () => records.list({ subscription_id: subscription }, undefined, 50);
  /** The start has been told, and the client knows the subscription. */
  const told = async () => {
    await enqueue(notify(subscription, 1));
    for (const one of await claim()) await finish(one, delivered());
  };

  describe('a resource notification', () => {
    it('goes out with all that is needed to ask whether it may, once the planner has planned that far', async () => {
      await change({ sequence: 2 });
      expect(await claim()).toEqual([]);
      await enqueue(notify(subscription, 1));
      expect(typesOf(await claim())).toEqual(['subscription']);
      await enqueue(notify(subscription, 2));
      const [start] = await db.query<ClaimedDelivery>(
        'sending',
        `select delivery_id, fence::text as fence from delivery where state = 'sending'`,
      );
      await finish(start!, delivered());
      const [adjusted] = await claim();
      expect(adjusted!.notification_type).toBe('subscription');
      await finish(adjusted!, delivered());
      const { sequence: _, ...asked } = resource();
      expect(await claim()).toEqual([
        expect.objectContaining({ ...asked, notification_type: 'resource', end_date: null, attempts: 0 }),
      ]);
    });

    it('that was not sent yet stands for the next ones too, with the earliest deadline', async () => {
      await told();
      await change({ deadline_at: after(1_000) });
      await change({ deadline_at: after(500) }, after(10));
      await change({ deadline_at: after(2_000) }, after(20));
      const claimed = await claim(after(30));
      expect(claimed.map(({ deadline_at: at }) => at)).toEqual([after(500)]);
      // While it is being sent the next change needs another one, which goes after it.
      await change({}, after(31));
      expect(await claim(after(31))).toEqual([]);
      await finish(claimed[0]!, delivered());
      expect(await claim(after(31))).toHaveLength(1);
    });

    it('that fails while a newer one waits leaves it the deadline and is superseded', async () => {
      await told();
      await change({ deadline_at: after(500) });
      const [first] = await claim();
      await change({ deadline_at: after(900) });
      await finish(first!, retryAt(after(5)));
      const [next, ...more] = await claim();
      expect([next!.deadline_at, next!.attempts, more]).toEqual([after(500), 0, []]);
      expect(await records.find(first!.delivery_id)).toMatchObject({ state: 'dropped', last_error: 'superseded' });
    });

    it('is dropped when the subscription ends, and the ending is told', async () => {
      await told();
      await change();
      await enqueue(notify(subscription, 2, { ends: true }));
      expect(typesOf(await claim())).toEqual(['subscription']);
      const [dropped] = (await listed()).filter(({ notification_type: type }) => type === 'resource');
      expect(dropped).toMatchObject({ state: 'dropped', last_error: 'subscription_ended', attempts: 0 });
      await change();
      expect((await listed()).filter(({ state }) => state === 'pending')).toEqual([]);
    });

    it('waits while its subscription is suspended, whenever it was planned, and is due when that is over', async () => {
      await told();
      await change();
      await enqueue({ kind: 'suspend', subscriptionId: subscription, sequence: 2 });
      expect(await claim(after(10))).toEqual([]);
      // Both were planned in the same moment, so either may come first.
      expect(await listed()).toContainEqual(
        expect.objectContaining({ notification_type: 'resource', state: 'parked' }),
      );
      await change({ sequence: 2 }, after(20));
      expect(await claim(after(30))).toEqual([]);
      await store.enqueue([{ kind: 'resume', subscriptionId: subscription, sequence: 3 }], after(7_200), db);
      const claimed = await claim(after(7_200));
      expect(claimed.map(({ first_due_at: at }) => at)).toEqual([after(7_200)]);
    });

    it('does not hold up a newer state, and hurries what has to go before it', async () => {
      await told();
      await change();
      const [one] = await claim();
      await finish(one!, retryAt(after(600)));
      await enqueue(notify(subscription, 2));
      const [adjusted] = await claim(after(1));
      expect(adjusted!.notification_type).toBe('subscription');
      await finish(adjusted!, retryAt(after(50_000)));
      // The next change is due at once; the adjustment goes first, and begins its schedule anew.
      const other = newId();
      await enqueue(notify(other, 1));
      const [first] = await claim(after(2));
      await finish(first!, retryAt(after(50_000)));
      await change({ subscription_id: other }, after(100));
      const [urged] = await claim(after(101));
      expect([urged!.subscription_id, urged!.notification_type, urged!.first_due_at]).toEqual([
        other,
        'subscription',
        after(100),
      ]);
    });
  });

  describe('a client that is suspended', () => {
    it('gets nothing, whatever was planned before or after; all of it is due, in order, once it is resumed', async () => {
      const other = newId();
      await enqueue(notify(subscription, 1), notify(other, 1, { clientId: 'other.example' }));
      await enqueue({ kind: 'park', clientId: 'app.example', occurredAt: now });
      await enqueue(notify(subscription, 2));
      expect((await claim(after(10))).map(({ subscription_id: id }) => id)).toEqual([other]);
      expect((await listed()).map(({ state }) => state)).toEqual(['parked', 'parked']);
      expect(await records.countByState()).toMatchObject({ parked: 2, sending: 1 });
      expect(await records.list({ state: 'parked' }, undefined, 10)).toHaveLength(2);
      await store.enqueue([{ kind: 'release', clientId: 'app.example', occurredAt: now }], after(900_000), db);
      const [first, ...more] = await claim(after(900_000));
      expect(more).toEqual([]);
      // What waited has its whole schedule before it.
      expect(first).toMatchObject({ subscription_id: subscription, first_due_at: after(900_000) });
      await finish(first!, delivered());
      expect(await claim(after(900_000))).toHaveLength(1);
    });
  });

  describe('a claim', () => {
    const fill = async (clientId: string, count: number) => {
      await enqueue(...Array.from({ length: count }, () => notify(newId(), 1, { clientId })));
    };
    const countsOf = (claimed: readonly ClaimedDelivery[]) => {
      const counts: Record<string, number> = {};
      for (const { client_id: id } of claimed) counts[id] = (counts[id] ?? 0) + 1;
      return counts;
    };

    it('takes turns over endpoints, each up to its room', async () => {
      await fill('large.example', 60);
      await fill('small.example', 3);
      expect(countsOf(await claim(now, { total: 6 }))).toEqual({ 'large.example': 3, 'small.example': 3 });
      const [large] = await db.query<{ endpoint_id: number }>(
        'large',
        `select endpoint_id from notification_endpoint where client_id = 'large.example'`,
      );
      const rooms = new Map([[large!.endpoint_id, { size: 7, calls: 7, isProven: true }]]);
      expect(countsOf(await claim(now, { rooms }))).toEqual({ 'large.example': 7 });
      expect(countsOf(await claim(now, { room: 5 }))).toEqual({ 'large.example': 5 });
    });

    it('takes no more than its part of what was tried before, and of endpoints that are not known to answer', async () => {
      await fill('tried.example', 30);
      for (const one of await claim()) await finish(one, retryAt(after(1)));
      await fill('fresh.example', 30);
      expect(countsOf(await claim(after(2), { tried: 4 }))).toEqual({ 'tried.example': 4, 'fresh.example': 30 });
      await fill('new.example', 30);
      expect(countsOf(await claim(after(2), { unproven: 9, tried: 0 }))).toEqual({ 'new.example': 9 });
    });

    it('prefers, of one endpoint, what was never tried', async () => {
      await fill('app.example', 5);
      for (const one of await claim()) await finish(one, retryAt(after(1)));
      await fill('app.example', 2);
      expect((await claim(after(100), { room: 3 })).map(({ attempts }) => attempts).sort()).toEqual([0, 0, 1]);
    });

    it('can be extended by who holds it, and by nobody else', async () => {
      await fill('app.example', 1);
      const [lost] = await queue.claimDue(now, wide, 0);
      expect(await queue.freeExpired(10)).toBe(1);
      const [held] = await claim();
      expect(await queue.extend([lost!], leaseMs)).toEqual(new Set());
      expect(await queue.extend([held!], leaseMs)).toEqual(new Set([held!.delivery_id]));
      expect(await queue.freeExpired(10)).toBe(0);
    });

    it('that was freed but not taken by anybody still counts', async () => {
      await fill('app.example', 1);
      const [slow] = await queue.claimDue(now, wide, 0);
      expect(await queue.freeExpired(10)).toBe(1);
      expect((await finish(slow!, delivered())).size).toBe(1);
      expect(await records.find(slow!.delivery_id)).toMatchObject({ state: 'delivered', attempts: 1 });
    });
  });

  describe('the breaker of an endpoint', () => {
    const failures = (count: number, probeFailed = false) => ({
      well: 0,
      failed: count,
      probeFailed,
      askedPauseS: 0,
    });
    const fail = async (count: number, at: Date, probeFailed = false) => {
      const [row] = await db.query<{ endpoint_id: number }>(
        'the-endpoint',
        'select endpoint_id from notification_endpoint',
      );
      await endpoints.recordFailures(new Map([[row!.endpoint_id, failures(count, probeFailed)]]), at);
    };
    beforeEach(() => enqueue(...Array.from({ length: 20 }, () => notify(newId(), 1))));

    it('holds everything back, then lets one probe through, in one process of many', async () => {
      await fail(breakerFailures, now);
      expect((await records.breakers(now)).get('app.example')).toBe('open');
      expect(await claim(after(4))).toEqual([]);
      const claims = await Promise.all(Array.from({ length: 6 }, () => claim(after(7))));
      expect(claims.flat()).toEqual([expect.objectContaining({ is_probe: true })]);
      expect(await claim(after(8))).toEqual([]);
      const [probe] = claims.flat();
      await finish(probe!, delivered(), [probe!.endpoint_id]);
      expect((await records.breakers(now)).get('app.example')).toBe('closed');
      expect(await claim(after(8))).toHaveLength(19);
    });

    it('stays open after a bad probe; nothing else lost a try or its place', async () => {
      await fail(breakerFailures, now);
      const [probe] = await claim(after(7));
      await finish(probe!, retryAt(after(100)));
      await fail(1, after(8), true);
      expect(await claim(after(17))).toEqual([]);
      const [next] = await claim(after(21));
      expect([next!.is_probe, next!.attempts]).toEqual([true, 0]);
    });

    it('counts the failures of all processes', async () => {
      await Promise.all(Array.from({ length: breakerFailures - 1 }, () => fail(1, now)));
      expect((await records.breakers(now)).get('app.example')).toBe('closed');
      await fail(1, now);
      expect((await records.breakers(now)).get('app.example')).toBe('open');
    });

    it('gets another probe when the one that was sent is never heard of again', async () => {
      await fail(breakerFailures, now);
      expect(await claim(after(7))).toHaveLength(1);
      expect(await claim(after(21))).toEqual([]);
      expect(await claim(after(23))).toHaveLength(1);
    });

    it('waits for no probe that nobody had room for: the next claim sends it', async () => {
      await fail(breakerFailures, now);
      expect(await claim(after(7), { unproven: 0 })).toEqual([]);
      expect(await claim(after(7))).toEqual([expect.objectContaining({ is_probe: true })]);
    });

    it('gets the next probe at once when one turned out to have nothing to send', async () => {
      await fail(breakerFailures, now);
      const [probe] = await claim(after(7));
      const completions = new CompletionBatcher(queue, endpoints, () => after(7));
      const unsent = { state: 'dropped', attempt: attempt(after(7)), isCounted: false } as const;
      expect(await completions.record({ delivery: probe!, completion: unsent, endpoint: 'none', askedPauseS: 0 })).toBe(
        true,
      );
      await eventually(async () =>
        expect(await claim(after(8))).toEqual([expect.objectContaining({ is_probe: true })]),
      );
    });

    it('ends what it held back beyond the whole schedule, and nothing that waits for a suspended client', async () => {
      await fail(breakerFailures, now);
      const late = after(14 * 86_400 + 1);
      await enqueue({ kind: 'park', clientId: 'app.example', occurredAt: now });
      expect(await queue.giveUpOverdue(late, 100)).toBe(0);
      await enqueue({ kind: 'release', clientId: 'app.example', occurredAt: now });
      await fail(breakerFailures, now);
      expect(await queue.giveUpOverdue(after(14 * 86_400 - 1), 100)).toBe(0);
      expect(await queue.giveUpOverdue(late, 15)).toBe(15);
      expect(await queue.giveUpOverdue(late, 100)).toBe(5);
      expect(await records.countByState()).toMatchObject({ dead: 20, pending: 0 });
    });
  });

  describe('the log of attempts', () => {
    it('has a row for every try, and what is finished is nowhere else', async () => {
      await enqueue(notify(subscription, 1));
      for (const seconds of [1, 2]) {
        const [one] = await claim(after(seconds));
        await finish(one!, retryAt(after(seconds), seconds === 1));
      }
      const [last] = await claim(after(9));
      await finish(last!, delivered(after(9)));
      const tries = await records.attemptsOf(last!.delivery_id, undefined, 10);
      expect(tries.map(({ attempt: n, outcome, status }) => [n, outcome, status])).toEqual([
        [1, 'retry', 503],
        [1, 'retry', 503],
        [2, 'delivered', 204],
      ]);
      expect(await db.query('left', 'select 1 from delivery')).toEqual([]);
      expect(await listed()).toHaveLength(1);
    });

    it('records outcomes of many deliveries in one statement, each for itself', async () => {
      await enqueue(...Array.from({ length: 30 }, () => notify(newId(), 1)));
      const claimed = await claim();
      const lost = claimed[0]!;
      const counted = await queue.complete(
        claimed.map((delivery, n) => ({
          delivery: delivery === lost ? { ...delivery, fence: '99' } : delivery,
          completion: n % 3 === 0 ? delivered() : n % 3 === 1 ? dead() : retryAt(after(60)),
        })),
      );
      expect(counted).toEqual(new Set(claimed.slice(1).map(({ delivery_id: id }) => id)));
      expect(await records.countByState()).toEqual({
        pending: 10,
        sending: 1,
        parked: 0,
        delivered: 9,
        dead: 10,
        dropped: 0,
      });
    });

    it('goes on without a month, and has its rows in the month once that is made', async () => {
      const clock = new TestClock();
      const log = keptByMonth(
        { name: 'delivery_attempt', by: 'written_at' },
        { database: db, destructions: new DestructionRecords(db), clock },
      );
      const strays = () => db.query('stray', 'select 1 from delivery_attempt_default');
      expect(await log.hasMonthOf(clock.now())).toBe(false);
      await told();
      expect(await strays()).toHaveLength(1);
      await Promise.all(Array.from({ length: 4 }, () => log.keep(clock.now(), { waits: true })));
      expect(await log.hasMonthOf(clock.now())).toBe(true);
      expect(await strays()).toEqual([]);
      expect(await listed()).toHaveLength(1);
      subscription = newId();
      await told();
      expect(await strays()).toEqual([]);
    });

    it('is destroyed by month after 24 months, with a written record', async () => {
      const clock = new TestClock();
      const log = keptByMonth(
        { name: 'delivery_attempt', by: 'written_at' },
        { database: db, destructions: new DestructionRecords(db), clock },
      );
      await told();
      const writtenIn = new Date();
      clock.set(new Date(Date.UTC(writtenIn.getUTCFullYear() + 2, writtenIn.getUTCMonth(), 28)));
      await log.keep(clock.now(), { waits: true });
      expect(await listed()).toHaveLength(1);
      clock.set(new Date(Date.UTC(writtenIn.getUTCFullYear() + 2, writtenIn.getUTCMonth() + 1, 1)));
      await log.keep(clock.now(), { waits: true });
      expect(await listed()).toEqual([]);
      const [record] = await db.query<{ row_count: string }>(
        'record',
        `select row_count from destruction_record where what = 'delivery_attempt' order by record_no desc limit 1`,
      );
      expect(Number(record!.row_count)).toBeGreaterThanOrEqual(1);
    });
  });

  it('tells which resource notifications are about to miss their hour, per client', async () => {
    await told();
    await change({ deadline_at: after(3600) });
    expect(await records.atRisk(after(2_900), 600)).toEqual([]);
    expect(await records.atRisk(after(3_100), 600)).toEqual([{ client_id: 'app.example', count: 1 }]);
  });

  describe('a replay', () => {
    const die = async (...ids: string[]) => {
      await enqueue(...ids.map((id) => notify(id, 1)));
      for (const one of await claim()) await finish(one, dead());
    };

    it('puts back what is dead since then, in a dry run nothing, and never what has been superseded', async () => {
      const ids = [newId(), newId(), newId()];
      await die(...ids);
      await enqueue(notify(ids[0]!, 2));
      await claim();
      expect(await replay.replay({ since: after(1) }, false, now)).toEqual({ matched: 0, replayed: 0 });
      expect(await replay.replay({ since: now, until: now }, false, now)).toEqual({ matched: 0, replayed: 0 });
      expect(await replay.replay({ since: now, clientId: 'other.example' }, false, now)).toEqual({
        matched: 0,
        replayed: 0,
      });
      expect(await replay.replay({ since: now }, true, now)).toEqual({ matched: 3, replayed: 2 });
      expect(await records.countByState()).toMatchObject({ dead: 3, pending: 0 });
      expect(await replay.replay({ since: now }, false, after(60))).toEqual({ matched: 3, replayed: 2 });
      expect((await claim(after(60))).map(({ subscription_id: id }) => id).sort()).toEqual(ids.slice(1).sort());
      expect(await replay.replay({ since: now }, false, after(60))).toEqual({ matched: 1, replayed: 0 });
    });

    it('goes on batch after batch', async () => {
      await enqueue(...Array.from({ length: 1_203 }, () => notify(newId(), 1)));
      const claimed = await claim(now, { total: 2_000, room: 2_000, unproven: 2_000 });
      await queue.complete(claimed.map((delivery) => ({ delivery, completion: dead() })));
      expect(await replay.replay({ since: now }, false, now)).toEqual({ matched: 1_203, replayed: 1_203 });
    });

    it('of a resource notification gives it its hour, unless a newer one was planned or the subscription ended', async () => {
      await told();
      await change();
      const [one] = await claim();
      await finish(one!, dead());
      expect(await replay.retry(one!.delivery_id, after(9_000))).toMatchObject({
        state: 'pending',
        deadline_at: after(12_600),
      });
      const [again] = await claim(after(9_000));
      // What an earlier holder says counts no more, though the delivery left the table in between.
      expect((await finish(one!, delivered())).size).toBe(0);
      await finish(again!, dead());
      await change({}, after(9_001));
      expect(await replay.retry(one!.delivery_id, after(9_002))).toBe('not_retryable');
    });

    it('of a resource notification that stood for later changes too puts it back: there is no newer one', async () => {
      await told();
      await change();
      const [one] = await claim();
      await finish(one!, retryAt(after(5)));
      await change({}, after(1));
      const [again] = await claim(after(5));
      await finish(again!, dead(after(5)));
      expect(await replay.retry(one!.delivery_id, after(60))).toMatchObject({ state: 'pending' });
    });
  });
});
