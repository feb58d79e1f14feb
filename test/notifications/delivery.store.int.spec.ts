import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ClaimedDelivery, Completion } from '../../src/notifications/delivery';
import { DeliveryQueue } from '../../src/notifications/delivery-queue.store';
import { DeliveryRecords } from '../../src/notifications/delivery-records.store';
import { DeliveryReplay } from '../../src/notifications/delivery-replay.store';
import { DeliveryStore } from '../../src/notifications/delivery.store';
import type { Plan } from '../../src/notifications/notification.planner';
import { Database } from '../../src/platform';
import { Connection } from '../support/connection';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';

const now = new Date('2026-03-01T12:00:00Z');
const minuteMs = 60_000;
const after = (minutes: number) => new Date(now.getTime() + minutes * minuteMs);
const leaseMs = 10 * minuteMs;
/** The lease of a worker that was frozen: over as soon as it is taken. */
const overAtOnce = 0;
const personId = randomUUID();

/** The plan to tell one event; the test says what matters to it. */
function notify(subscriptionId: string, sequence: number, given: { clientId?: string; starts?: boolean } = {}): Plan {
  return {
    kind: 'notify',
    subscriptionId,
    sequence,
    starts: given.starts ?? sequence === 1,
    ends: false,
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

const idOf = (plan: Plan) => (plan.kind === 'notify' ? plan.notification.delivery_id : '');
const attempt = (status: number | null = 204, error: string | null = null) => ({
  at: after(1),
  status,
  error,
  durationMs: 7,
});
const delivered: Completion = { state: 'delivered', attempt: attempt(), isCounted: true };
const dead: Completion = { state: 'dead', attempt: attempt(404, 'status 404'), isCounted: true };
const retry: Completion = { state: 'pending', attempt: attempt(503, 'status 503'), isCounted: true, dueAt: after(5) };

describe('the store of deliveries', () => {
  let database: TestDatabase;
  let db: Database;
  let store: DeliveryStore;
  let queue: DeliveryQueue;
  let records: DeliveryRecords;
  let replay: DeliveryReplay;
  let subscription: string;

  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
    store = new DeliveryStore();
    queue = new DeliveryQueue(db);
    records = new DeliveryRecords(db);
    replay = new DeliveryReplay(db, records);
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });
  beforeEach(async () => {
    await db.query('empty', 'truncate delivery, delivery_attempt, notified_subscription, parked_client');
    subscription = `${randomUUID()}.1`;
  });

  const enqueue = async (...plans: Plan[]) => {
    await store.enqueue(plans, now, db);
    return plans.map(idOf);
  };
  const claim = async (moment = now, limit = 10, lease = leaseMs) => {
    await queue.freeExpired(limit);
    return queue.claimDue(
      moment,
      { total: limit, tried: limit, unproven: limit, room: limit, rooms: new Map() },
      lease,
    );
  };
  const complete = async (delivery: ClaimedDelivery, completion: Completion) =>
    (await queue.complete([{ delivery, completion }])).has(delivery.delivery_id);
  const claimOne = async (moment = now, lease = leaseMs): Promise<ClaimedDelivery> => {
    const claimed = await claim(moment, 1, lease);
    if (claimed.length === 0) throw new Error('nothing is due');
    return claimed[0]!;
  };
  const claimedIds = async (moment = now) => (await claim(moment)).map(({ delivery_id }) => delivery_id);
  /** Claims what is due and lets it come to this end. */
  const finish = async (completion: Completion, moment = now) => {
    const claimed = await claimOne(moment);
    expect(await complete(claimed, completion)).toBe(true);
    return claimed;
  };

  describe('planned', () => {
    it('twice is planned once', async () => {
      const plan = notify(subscription, 1);
      await enqueue(plan);
      await enqueue(plan, notify(`${randomUUID()}.1`, 1));
      expect(await records.list({ subscription_id: subscription }, undefined, 10)).toHaveLength(1);
    });

    it('again after it was delivered stays delivered', async () => {
      const plan = notify(subscription, 1);
      const [id] = await enqueue(plan);
      await finish(delivered);
      await enqueue(plan);
      expect(await records.find(id!)).toMatchObject({ state: 'delivered', attempts: 1 });
      expect(await claim()).toEqual([]);
    });

    it('in a transaction that is rolled back was never planned', async () => {
      const plan = notify(subscription, 1);
      await expect(
        db.transaction(async (queries) => {
          await store.enqueue([plan], now, queries);
          throw new Error('half-way');
        }),
      ).rejects.toThrow('half-way');
      expect(await records.find(idOf(plan))).toBeUndefined();
    });

    it('waits from now on, for the schedule of 14 days', async () => {
      const [id] = await enqueue(notify(subscription, 1));
      expect(await records.find(id!)).toEqual({
        delivery_id: id,
        subscription_id: subscription,
        client_id: 'app.example',
        notification_type: 'subscription',
        end_date: '2026-07-01',
        state: 'pending',
        attempts: 0,
        due_at: now,
        created_at: now,
        last_attempt_at: null,
        last_status: null,
        last_error: null,
        deadline_at: after(14 * 24 * 60),
      });
    });

    it('as a suspension tells nothing', async () => {
      await enqueue({ kind: 'suspend', subscriptionId: subscription, sequence: 1 });
      expect(await records.list({}, undefined, 10)).toEqual([]);
    });
  });

  describe('claimed', () => {
    it('comes with all that is needed to send it', async () => {
      const [id] = await enqueue(notify(subscription, 1));
      expect(await claim()).toEqual([
        {
          delivery_id: id,
          endpoint_id: expect.any(Number),
          subscription_id: subscription,
          client_id: 'app.example',
          service_id: '42',
          interface_version: '3.0.0',
          provider: 'aanbieder',
          person_id: personId,
          notification_type: 'subscription',
          end_date: '2026-07-01',
          correlation_id: 'conversation',
          attempts: 0,
          first_due_at: now,
          deadline_at: after(14 * 24 * 60),
          fence: '1',
          is_probe: false,
          subscription_ended: false,
          created_at: now,
          started_at: now,
          confirmed_at: null,
        },
      ]);
      expect(await records.find(id!)).toMatchObject({ state: 'sending' });
    });

    it('is of each subscription the oldest only, one after the other', async () => {
      const other = `${randomUUID()}.1`;
      const ids = await enqueue(
        notify(subscription, 2),
        notify(subscription, 1),
        notify(other, 7),
        notify(subscription, 3),
      );
      const first = await claim();
      expect(first.map(({ delivery_id }) => delivery_id).sort()).toEqual([ids[1]!, ids[2]!].sort());
      expect(await claim()).toEqual([]);
      for (const one of first) await complete(one, delivered);
      expect(await claimedIds()).toEqual([ids[0]]);
    });

    it('is the longest due first, up to the limit, and nothing that is not due', async () => {
      const subscriptions = Array.from({ length: 4 }, () => `${randomUUID()}.1`);
      const ids = await enqueue(...subscriptions.map((id) => notify(id, 1)));
      await db.query(
        'spread',
        `update delivery d set due_at = $2::timestamptz + n.n * interval '1 minute'
         from unnest($1::uuid[]) with ordinality as n (id, n) where d.delivery_id = n.id`,
        [[ids[2], ids[0], ids[3], ids[1]], now],
      );
      expect(await claim(now)).toEqual([]);
      expect((await claim(after(3), 2)).map(({ delivery_id }) => delivery_id)).toEqual([ids[2], ids[0]]);
      expect(await claimedIds(after(3))).toEqual([ids[3]]);
    });

    it('by several at once is claimed by one of them', async () => {
      await enqueue(...Array.from({ length: 300 }, () => notify(`${randomUUID()}.1`, 1)));
      const claimed: string[] = [];
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let idle = 0; idle < 3;) {
            const batch = await claim(now, 13);
            claimed.push(...batch.map(({ delivery_id }) => delivery_id));
            idle = batch.length === 0 ? idle + 1 : 0;
          }
        }),
      );
      expect(claimed).toHaveLength(300);
      expect(new Set(claimed).size).toBe(300);
    });

    it('of one subscription by several at once goes out in order, never two at a time', async () => {
      const ids = await enqueue(...Array.from({ length: 12 }, (_, index) => notify(subscription, index + 1)));
      const story: string[] = [];
      let underWay = 0;
      await Promise.all(
        Array.from({ length: 4 }, async () => {
          while (story.length < ids.length) {
            for (const one of await claim(now, 5)) {
              underWay += 1;
              expect(underWay).toBe(1);
              story.push(one.delivery_id);
              underWay -= 1;
              await complete(one, delivered);
            }
          }
        }),
      );
      expect(story).toEqual(ids);
    });

    it('can be claimed anew when the lease has run out; what the earlier holder says then counts no more', async () => {
      const [id] = await enqueue(notify(subscription, 1));
      const frozen = await claimOne(now, overAtOnce);
      const next = await eventually(() => claimOne());
      expect(BigInt(next.fence)).toBeGreaterThan(BigInt(frozen.fence));
      expect(await complete(frozen, dead)).toBe(false);
      await queue.giveBack([frozen]);
      expect(await records.find(id!)).toMatchObject({ state: 'sending', attempts: 0, last_error: null });
      expect(await complete(next, delivered)).toBe(true);
      expect(await records.find(id!)).toMatchObject({ state: 'delivered', attempts: 1 });
      expect(await complete(next, dead)).toBe(false);
      expect(await complete(frozen, dead)).toBe(false);
      expect(await records.find(id!)).toMatchObject({ state: 'delivered', attempts: 1 });
    });

    it('holds up the next one of its subscription also when the lease has run out', async () => {
      const [first] = await enqueue(notify(subscription, 1), notify(subscription, 2));
      await claimOne(now, overAtOnce);
      const again = await eventually(() => claimOne());
      expect(again.delivery_id).toBe(first);
      expect(await claim()).toEqual([]);
    });

    it('and given back is as it was', async () => {
      const [id] = await enqueue(notify(subscription, 1));
      await queue.giveBack(await claim());
      expect(await records.find(id!)).toMatchObject({ state: 'pending', attempts: 0, due_at: now });
      expect(await claimedIds()).toEqual([id]);
    });
  });

  describe('completed', () => {
    it('keeps what came of the try', async () => {
      const [id] = await enqueue(notify(subscription, 1));
      await finish(retry);
      expect(await records.find(id!)).toMatchObject({
        state: 'pending',
        attempts: 1,
        due_at: after(5),
        last_attempt_at: after(1),
        last_status: 503,
        last_error: 'status 503',
      });
      expect(await claim(after(4))).toEqual([]);
      expect(await claimOne(after(5))).toMatchObject({ delivery_id: id, attempts: 1, fence: '2' });
    });

    it('with success for the first time says that the client knows the subscription', async () => {
      await enqueue(notify(subscription, 1), notify(subscription, 2), notify(subscription, 3));
      await finish(dead);
      expect((await finish(delivered)).confirmed_at).toBeNull();
      expect((await claimOne()).confirmed_at).toEqual(after(1));
    });

    it('as dead does not block the next one', async () => {
      const ids = await enqueue(notify(subscription, 1), notify(subscription, 2));
      await finish(dead);
      expect(await claimedIds()).toEqual([ids[1]]);
    });
  });

  describe('overtaken by a newer state of its subscription', () => {
    it('is dropped when it waits for a retry', async () => {
      const [old] = await enqueue(notify(subscription, 1));
      await finish(retry);
      const [next] = await enqueue(notify(subscription, 2));
      expect(await records.find(old!)).toMatchObject({ state: 'dropped', last_error: 'superseded', attempts: 1 });
      expect(await claimedIds()).toEqual([next]);
    });

    it('stays when it was never tried, and goes out first', async () => {
      const [old] = await enqueue(notify(subscription, 1));
      await enqueue(notify(subscription, 2));
      expect(await claimedIds()).toEqual([old]);
    });

    it.each(['delivered', 'dead', 'sending'])('stays as it is when it is %s', async (state) => {
      const [old] = await enqueue(notify(subscription, 1));
      if (state === 'sending') await claimOne();
      else await finish(state === 'dead' ? dead : delivered);
      await enqueue(notify(subscription, 2));
      expect((await records.find(old!))!.state).toBe(state);
    });

    it('does not stand in its way when its try is recorded while the newer one is being planned', async () => {
      await enqueue(notify(subscription, 1));
      const old = await claimOne();
      const planner = await Connection.open(database.url);
      try {
        await planner.begin();
        const next = notify(subscription, 2);
        await store.enqueue([next], now, planner);
        let isRecorded = false;
        const recorded = complete(old, retry).finally(() => (isRecorded = true));
        await eventually(async () => {
          const waiting = await db.query('waiting', `select 1 from pg_locks l where not l.granted`);
          expect(isRecorded || waiting.length > 0).toBe(true);
        });
        await planner.commit();
        await recorded;
        expect(await claimedIds()).toEqual([idOf(next)]);
        expect(await records.find(old.delivery_id)).toMatchObject({ state: 'dropped', last_error: 'superseded' });
      } finally {
        await planner.close();
      }
    });

    it('waits for those that are delivered meanwhile, or is waited for, whatever their order', async () => {
      // Enough of them that hardly any order but the one of their ids is the order of their ids.
      const ids = Array.from({ length: 200 }, () => `${randomUUID()}.1`).sort();
      await enqueue(...ids.map((id) => notify(id, 1)));
      const claimed = await claim(now, ids.length);
      expect(claimed).toHaveLength(ids.length);
      const planner = await Connection.open(database.url);
      try {
        await planner.begin();
        await store.enqueue([notify(ids[0]!, 2)], now, planner);
        const completed = queue.complete(claimed.map((delivery) => ({ delivery, completion: delivered })));
        const outcome = completed.catch((error: Error) => error);
        await eventually(async () => {
          const waiting = await db.query('waiting', `select 1 from pg_locks l where not l.granted`);
          expect(waiting).not.toEqual([]);
        });
        await store.enqueue(
          ids.slice(1).map((id) => notify(id, 2)),
          now,
          planner,
        );
        await planner.commit();
        expect(await outcome).toEqual(new Set(claimed.map(({ delivery_id: id }) => id)));
      } finally {
        await planner.close();
      }
    });

    it('leaves other subscriptions alone', async () => {
      const [old] = await enqueue(notify(subscription, 1));
      await finish(retry);
      await enqueue(notify(`${randomUUID()}.1`, 2), notify(subscription.replace(/1$/, '2'), 2));
      expect((await records.find(old!))!.state).toBe('pending');
    });

    it('never the other way round: an older one that is planned again drops nothing newer', async () => {
      const plans = [notify(subscription, 1), notify(subscription, 2)];
      const [, newer] = await enqueue(...plans);
      await finish(delivered);
      await finish(retry);
      await enqueue(...plans);
      expect(await records.find(newer!)).toMatchObject({ state: 'pending', attempts: 1 });
    });
  });

  describe('retried by an operator', () => {
    it('is undefined when there is none by that id', async () => {
      expect(await replay.retry(randomUUID(), now)).toBeUndefined();
    });

    it('goes out again as if it were new', async () => {
      const [id] = await enqueue(notify(subscription, 1));
      await finish(dead);
      const retried = await replay.retry(id!, after(60));
      expect(retried).toMatchObject({
        delivery_id: id,
        state: 'pending',
        attempts: 0,
        due_at: after(60),
        created_at: now,
        deadline_at: after(60 + 14 * 24 * 60),
      });
      expect(await records.find(id!)).toEqual(retried);
      expect(await claimedIds(after(60))).toEqual([id]);
    });

    it.each<[string, (() => Promise<unknown>)[]]>([
      ['it waits', []],
      ['it is being sent', [() => claimOne()]],
      ['it was delivered', [() => finish(delivered)]],
      ['it was dropped', [() => store.dropWaiting([subscription], 'because', db)]],
      ['a newer state was planned since', [() => finish(dead), () => enqueue(notify(subscription, 2))]],
      [
        'a newer state was delivered since',
        [() => finish(dead), () => enqueue(notify(subscription, 2)), () => finish(delivered)],
      ],
    ])('is refused when %s', async (_, steps) => {
      const [id] = await enqueue(notify(subscription, 1));
      for (const step of steps) await step();
      const before = await records.find(id!);
      expect(await replay.retry(id!, now)).toBe('not_retryable');
      expect(await records.find(id!)).toEqual(before);
    });

    it('twice at once is retried once', async () => {
      const [id] = await enqueue(notify(subscription, 1));
      await finish(dead);
      const answers = await Promise.all(Array.from({ length: 6 }, () => replay.retry(id!, now)));
      expect(answers.filter((answer) => answer === 'not_retryable')).toHaveLength(5);
    });
  });

  describe('of a subscription that the client does not know', () => {
    it('is dropped while it waits, and stays what it is otherwise', async () => {
      const [done, waiting] = await enqueue(notify(subscription, 1), notify(subscription, 2));
      const [other] = await enqueue(notify(`${randomUUID()}.1`, 1));
      await db.query('later', 'update delivery set due_at = $2 where delivery_id = $1', [other, after(1)]);
      await finish(delivered);
      await enqueue({ kind: 'silence', subscriptionId: subscription, sequence: 3 });
      expect(await records.find(done!)).toMatchObject({ state: 'delivered', last_error: null });
      expect(await records.find(waiting!)).toMatchObject({ state: 'dropped', last_error: 'invalid_subscription_id' });
      expect(await claimedIds(after(1))).toEqual([other]);
    });

    it('keeps the reason of its last try, and is not taken from who is sending it', async () => {
      const [tried] = await enqueue(notify(subscription, 1));
      await finish(retry);
      await store.dropWaiting([subscription], 'invalid_subscription_id', db);
      expect(await records.find(tried!)).toMatchObject({ state: 'dropped', last_error: 'status 503' });
      const [sending] = await enqueue(notify(subscription, 2));
      const claimed = await claimOne();
      await store.dropWaiting([subscription], 'invalid_subscription_id', db);
      expect((await records.find(sending!))!.state).toBe('sending');
      expect(await complete(claimed, { ...delivered, state: 'dropped' })).toBe(true);
    });
  });

  describe('listed', () => {
    const everything = () => records.list({}, undefined, 1_000);
    /** Page after page to the end; `between` happens after each page. */
    const pages = async (
      filter: Parameters<DeliveryRecords['list']>[0],
      limit: number,
      between: () => Promise<unknown> = () => Promise.resolve(),
    ) => {
      const ids: string[] = [];
      let last: { createdAt: string; deliveryId: string } | undefined;
      for (;;) {
        const page = await records.list(filter, last, limit);
        ids.push(...page.map(({ delivery_id }) => delivery_id));
        if (page.length < limit) return ids;
        const { place, delivery_id } = page.at(-1)!;
        last = { createdAt: place, deliveryId: delivery_id };
        await between();
      }
    };
    /** 45 deliveries of three clients, 15 in each of three moments that are microseconds apart. */
    const fill = async () => {
      const plans = Array.from({ length: 45 }, (_, n) =>
        notify(`${randomUUID()}.1`, 1, { clientId: `client ${n % 3}` }),
      );
      const ids = await enqueue(...plans);
      await db.query(
        'spread-created',
        `update delivery d set created_at = $2::timestamptz + (n.n % 3) * interval '1 microsecond'
         from unnest($1::uuid[]) with ordinality as n (id, n) where d.delivery_id = n.id`,
        [ids, now],
      );
      for (let n = 0; n < 20; n += 1) await finish(n % 2 === 0 ? dead : delivered);
    };

    it('page by page shows each once, newest first, without gaps', async () => {
      await fill();
      const all = await everything();
      expect(all).toHaveLength(45);
      const order = [...all].sort((a, b) =>
        a.place === b.place ? (a.delivery_id < b.delivery_id ? 1 : -1) : a.place < b.place ? 1 : -1,
      );
      expect(all).toEqual(order);
      for (const limit of [1, 7, 15, 44]) {
        expect(await pages({}, limit)).toEqual(all.map(({ delivery_id }) => delivery_id));
      }
    });

    it('keep the order of what happened, also where all of it was planned in the same moment', async () => {
      const others = Array.from({ length: 20 }, () => notify(`${randomUUID()}.1`, 1));
      const newestFirst = (await enqueue(...others, notify(subscription, 1), notify(subscription, 2))).reverse();
      expect((await everything()).map(({ delivery_id }) => delivery_id)).toEqual(newestFirst);
      for (let n = 0; n < 10; n += 1) await finish(n % 2 === 0 ? dead : delivered);
      expect(await pages({}, 3)).toEqual(newestFirst);
    });

    it('page by page shows what was there, whatever comes in meanwhile', async () => {
      await fill();
      const before = (await everything()).map(({ delivery_id }) => delivery_id);
      const seen = await pages({}, 7, () => store.enqueue([notify(`${randomUUID()}.1`, 1)], after(10), db));
      expect(seen).toEqual(before);
    });

    it('by state, client and subscription shows those alone', async () => {
      await fill();
      const all = await everything();
      const one = all[30]!;
      for (const filter of [
        { state: 'dead' as const },
        { client_id: 'client 1' },
        { state: 'pending' as const, client_id: 'client 2' },
        { subscription_id: one.subscription_id },
        { state: one.state, client_id: one.client_id, subscription_id: one.subscription_id },
        { client_id: 'nobody' },
      ]) {
        const wanted = all.filter((row) =>
          Object.entries(filter).every(([name, value]) => row[name as keyof typeof row] === value),
        );
        expect({ filter, ids: await pages(filter, 4) }).toEqual({
          filter,
          ids: wanted.map(({ delivery_id }) => delivery_id),
        });
      }
    });

    it('takes a filter that is named and left open as one that is not named', async () => {
      await fill();
      const open = await records.list({ state: undefined, client_id: 'client 1' }, undefined, 100);
      const closed = await records.list({ state: 'dead', client_id: 'client 1' }, undefined, 100);
      expect(open).toHaveLength(15);
      expect(closed).toEqual(open.filter(({ state }) => state === 'dead'));
    });
  });

  it('says for each client how long the oldest one that is not finished has been waiting', async () => {
    await enqueue(notify(subscription, 1, { clientId: 'done' }));
    await finish(delivered);
    await store.enqueue([notify(`${randomUUID()}.1`, 1, { clientId: 'waiting' })], now, db);
    await store.enqueue([notify(`${randomUUID()}.1`, 1, { clientId: 'waiting' })], after(1), db);
    await store.enqueue([notify(`${randomUUID()}.1`, 1, { clientId: 'future' })], after(9), db);
    const oldest = await records.oldestUndelivered(after(2));
    expect(oldest.sort((a, b) => (a.client_id < b.client_id ? -1 : 1))).toEqual([
      { client_id: 'future', seconds: 0 },
      { client_id: 'waiting', seconds: 120 },
    ]);
  });
});
