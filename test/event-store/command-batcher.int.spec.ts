import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { EventStore } from '../../src/event-store';
import { PersonIdentities } from '../../src/persons';
import { PersonKey } from '../../src/persons/person-key';
import { createLogger, Database, Signal, Tracing } from '../../src/platform';
import { Refused } from '../../src/refusals';
import { AuthorizedOrder, type OrderResult, type Standing, streamOf, TerminateOrder } from '../../src/subscriptions';
import { CommandBatcher } from '../../src/subscriptions/command-batcher';
import { CommandWatch } from '../../src/subscriptions/command.watch';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';

const identities = new PersonIdentities(new PersonKey(randomBytes(32)));
const trace = { correlation_id: 'conversation', causation_id: 'request' };
const now = new Date('2026-03-01T12:00:00+01:00');
const terms = { clientId: 'app.example', provider: 'aanbieder', serviceId: '42', interfaceVersion: '3.0.0' };

interface Asked {
  subject: string;
  days: number;
  id: string;
}

/** An order of the ordinary kind, of a person nobody knows yet; the test says what matters to it. */
function subscribe(asked: Partial<Asked> = {}): AuthorizedOrder {
  const { subject, days, id } = { subject: randomUUID(), days: 30, id: randomUUID(), ...asked };
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([subject, days]))
    .digest();
  return new AuthorizedOrder(
    identities.of(subject),
    { ...terms, grantedDays: days },
    { authorizationId: id, authorizedAt: now },
    { key: id, fingerprint },
    trace,
    now,
  );
}

const endDateAfter = (days: number) => new Date(Date.UTC(2026, 2, 1 + days)).toISOString().slice(0, 10);

/** What came of each: its standing, or the code of the refusal, or the name of any other error. */
async function outcomes(answers: Promise<OrderResult>[]): Promise<(Standing | string)[]> {
  return (await Promise.allSettled(answers)).map((answer) => {
    if (answer.status === 'fulfilled') return answer.value.standing;
    const reason = answer.reason as Error;
    return reason instanceof Refused ? reason.code : reason.name;
  });
}

describe('the command batcher', () => {
  let database: TestDatabase;
  const databases: Database[] = [];
  let one: CommandBatcher;
  /** Of another process. */
  let other: CommandBatcher;
  let store: EventStore;
  const registry = new Registry();
  const watch = new CommandWatch(registry, createLogger('silent'), Tracing.off);

  beforeAll(async () => {
    database = await createDatabase();
    databases.push(await Database.connect(database.url), await Database.connect(database.url));
    const stores = databases.map((db) => new EventStore(db, 'main', new Signal()));
    store = stores[0]!;
    [one, other] = stores.map((eventStore) => new CommandBatcher(eventStore, { has: () => false }, watch)) as [
      CommandBatcher,
      CommandBatcher,
    ];
  });
  afterAll(async () => {
    await Promise.all(databases.map((db) => db.close()));
    await database?.drop();
  });

  const history = async (standing: Standing | string) => {
    const { subscription_id } = standing as Standing;
    return (await store.read([{ target: { streamId: streamOf(subscription_id) } }]))[0]!.events;
  };
  let asked = 0;
  const ask = async <Row extends object>(text: string) =>
    databases[0]!.query<Row & Record<string, unknown>>(`ask ${(asked += 1)}`, text);
  const isIdle = () => eventually(() => expect(one.state()).toEqual({ waiting: 0, batchesInFlight: 0 }));
  /** Fills the slots, so that all that is asked for next goes together. */
  const keepBusy = () => outcomes(Array.from({ length: 4 }, () => one.submit(subscribe())));

  it('carries out a lone order', async () => {
    const { recorded, standing } = await one.submit(subscribe({ days: 30 }));
    expect({ recorded, standing }).toEqual({
      recorded: true,
      standing: {
        subscription_id: expect.stringMatching(/\.1$/),
        status: 'active',
        end_date: endDateAfter(30),
        version: 1,
        position: expect.any(String),
      },
    });
    await isIdle();
  });

  it('gives each of many concurrent orders on one stream its own right answer', async () => {
    const subject = randomUUID();
    const days = Array.from({ length: 40 }, (_, index) => 10 + index);
    const answers = await outcomes(
      days.map((count, index) => (index % 4 === 0 ? other : one).submit(subscribe({ subject, days: count }))),
    );
    const standings = answers as Standing[];
    expect(standings.map(({ end_date }) => end_date)).toEqual(days.map(endDateAfter));
    expect(standings.map(({ version }) => version).sort((a, b) => a - b)).toEqual(days.map((_, index) => index + 1));
    expect(new Set(standings.map(({ subscription_id }) => subscription_id)).size).toBe(1);
    const byVersion = [...standings].sort((a, b) => a.version - b.version);
    expect(byVersion.map(({ position }) => position)).toEqual(standings.map(({ position }) => position).sort());
    const events = await history(standings[0]!);
    expect(events.map(({ data }) => (data as { end_date: string }).end_date)).toEqual(
      byVersion.map(({ end_date }) => end_date),
    );
  });

  it('commits 500 orders of different persons a few times, not 500', async () => {
    const before = await ask<{ xid: string }>('select coalesce(max(xid::text::bigint), 0)::text as xid from event');
    const answers = await outcomes(Array.from({ length: 500 }, () => one.submit(subscribe())));
    expect(new Set(answers.map((answer) => (answer as Standing).subscription_id)).size).toBe(500);
    const [after] = await ask<{ commits: number; events: number }>(
      `select count(distinct xid)::integer as commits, count(*)::integer as events
       from event where xid::text::bigint > ${before[0]!.xid}`,
    );
    expect(after!.events).toBe(500);
    expect(after!.commits).toBeLessThanOrEqual(15);
  });

  it('lets those go together that come in one turn of the event loop, the first of them too', async () => {
    const answers = await outcomes(Array.from({ length: 8 }, () => one.submit(subscribe())));
    const written = await Promise.all(answers.map(history));
    expect(new Set(written.map(([event]) => event!.position.xid)).size).toBe(1);
  });

  it('refuses an order for itself alone', async () => {
    const nothingThere = new TerminateOrder(`${randomUUID()}.1`, 'operator', trace, now);
    const orders = [...Array.from({ length: 10 }, () => subscribe()), nothingThere];
    const answers = await outcomes(orders.map((order) => one.submit(order)));
    expect(answers.pop()).toBe('not_subscribed');
    expect(answers).toEqual(answers.map(() => expect.objectContaining({ status: 'active', version: 1 })));
  });

  it('decides anew, for itself alone, an order that somebody else was ahead of', async () => {
    const subjects = Array.from({ length: 12 }, () => randomUUID());
    const [mine, theirs] = await Promise.all([
      outcomes(subjects.map((subject) => one.submit(subscribe({ subject, days: 20 })))),
      outcomes(subjects.map((subject) => other.submit(subscribe({ subject, days: 50 })))),
    ]);
    expect(mine).toEqual(mine.map(() => expect.objectContaining({ end_date: endDateAfter(20) })));
    expect(theirs).toEqual(theirs.map(() => expect.objectContaining({ end_date: endDateAfter(50) })));
    mine.forEach((standing, index) => {
      const both = [standing, theirs[index]!] as Standing[];
      expect(both[0]!.subscription_id).toBe(both[1]!.subscription_id);
      expect(both.map(({ version }) => version).sort()).toEqual([1, 2]);
    });
    expect(await registry.metrics()).toMatch(/^medmij_command_conflicts_total [1-9]/m);
  });

  it.each([
    ['in the data of an event', { id: 'id with \u0000' }],
    ['as half a character', { id: 'id with \ud800' }],
  ])('fails an order with a text that PostgreSQL refuses, %s, for itself alone', async (_, bad) => {
    const orders = [subscribe(), subscribe(), subscribe(), subscribe(), subscribe(), subscribe(bad), subscribe()];
    const answers = await outcomes(orders.map((order) => one.submit(order)));
    // The driver's name for an error of the database.
    expect(answers.splice(5, 1)).toEqual(['error']);
    expect(answers).toEqual(answers.map(() => expect.objectContaining({ status: 'active' })));
    await isIdle();
  });

  it('fails an order whose rule has a bug for itself alone', async () => {
    const broken = Object.assign(subscribe(), {
      command: () => {
        throw new TypeError('a bug');
      },
    });
    const orders = [subscribe(), subscribe(), subscribe(), subscribe(), subscribe(), broken, subscribe()];
    const answers = await outcomes(orders.map((order) => one.submit(order)));
    expect(answers.splice(5, 1)).toEqual(['TypeError']);
    expect(answers).toEqual(answers.map(() => expect.objectContaining({ status: 'active' })));
  });

  it('takes one authorization, asked 50 times at once at two doors, as one', async () => {
    const asked = { subject: randomUUID(), days: 30, id: randomUUID() };
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? one : other).submit(subscribe(asked))),
    );
    expect(answers.filter(({ recorded }) => recorded)).toHaveLength(1);
    expect(answers.map(({ standing }) => standing)).toEqual(answers.map(() => answers[0]!.standing));
    expect(await history(answers[0]!.standing)).toHaveLength(1);
  });

  it('answers a repeat as at the first time, also after the subscription has moved on', async () => {
    const asked = { subject: randomUUID(), days: 30, id: randomUUID() };
    const first = await one.submit(subscribe(asked));
    await one.submit(subscribe({ subject: asked.subject, days: 60 }));
    expect(await other.submit(subscribe(asked))).toEqual({ ...first, recorded: false });
  });

  it('gives one authorization id to one of those who use it at once for different things', async () => {
    const id = randomUUID();
    const busy = keepBusy();
    const answers = await outcomes([
      ...Array.from({ length: 20 }, () => one.submit(subscribe({ id }))),
      ...Array.from({ length: 20 }, () => other.submit(subscribe({ id }))),
    ]);
    await busy;
    expect(answers.filter((answer) => answer === 'authorization_conflict')).toHaveLength(39);
    const events = await ask(`select 1 from event where data ->> 'authorization_id' = '${id}'`);
    expect(events).toHaveLength(1);
  });

  it('gives it to one of them also when all are decided in one batch', async () => {
    const id = randomUUID();
    const busy = keepBusy();
    const answers = await outcomes(Array.from({ length: 20 }, () => one.submit(subscribe({ id }))));
    await busy;
    expect(answers.filter((answer) => answer === 'authorization_conflict')).toHaveLength(19);
    expect(await ask(`select 1 from event where data ->> 'authorization_id' = '${id}'`)).toHaveLength(1);
  });

  it('stores no second time what an order finds already so', async () => {
    const subject = randomUUID();
    const first = await one.submit(subscribe({ subject, days: 30 }));
    const again = await one.submit(subscribe({ subject, days: 30 }));
    expect(again).toEqual({ ...first, recorded: false });
    expect(await history(first.standing)).toHaveLength(1);
  });

  it('decides orders by subscription id and by person on the same stream one after the other', async () => {
    const subject = randomUUID();
    const { standing } = await one.submit(subscribe({ subject }));
    const unsubscribe = subscribe({ subject, days: 0 });
    const terminate = () => new TerminateOrder(standing.subscription_id, 'client_endpoint', trace, now);
    const answers = await outcomes([
      ...Array.from({ length: 5 }, () => one.submit(terminate())),
      one.submit(unsubscribe),
      ...Array.from({ length: 5 }, () => other.submit(terminate())),
    ]);
    expect(answers).toEqual(answers.map(() => expect.objectContaining({ status: 'terminated', version: 2 })));
    expect(await history(standing)).toHaveLength(2);
  });

  it('refuses what does not fit in its queue any more at once, and carries out all the rest', async () => {
    const orders = Array.from({ length: 5_200 }, () => new TerminateOrder(`${randomUUID()}.1`, 'operator', trace, now));
    const answers = await outcomes(orders.map((order) => one.submit(order)));
    const count = (code: string) => answers.filter((answer) => answer === code).length;
    expect(count('unavailable')).toBeGreaterThan(0);
    expect(count('unavailable')).toBeLessThanOrEqual(200);
    expect(count('unavailable') + count('not_subscribed')).toBe(orders.length);
    await isIdle();
  });
});
