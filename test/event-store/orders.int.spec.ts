import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventStore } from '../../src/event-store';
import { KnownPersons, PersonalSeal, PersonIdentities } from '../../src/persons';
import { PersonKey } from '../../src/persons/person-key';
import { Database, Signal } from '../../src/platform';
import {
  ActiveSubscriptionsQuery,
  AdjustOrder,
  ReapproveOrder,
  ResumeOrder,
  streamOf,
  SubscriptionQuery,
  SuspendOrder,
  TakeUpOrder,
  TerminateOrder,
} from '../../src/subscriptions';
import { CommandBatcher } from '../../src/subscriptions/command-batcher';
import {
  ActiveSubscriptionsHandler,
  ReapproveHandler,
  SubscriptionHandler,
} from '../../src/subscriptions/subscription.handlers';
import { createDatabase, type TestDatabase } from '../support/database';

const key = new PersonKey(randomBytes(32));
const identities = new PersonIdentities(key);
const trace = { correlation_id: 'conversation', causation_id: 'request' };
const now = new Date('2026-03-01T12:00:00+01:00');
const terms = {
  clientId: 'app.example',
  provider: 'aanbieder',
  serviceId: '42',
  interfaceVersion: '3.0.0',
  grantedDays: 30,
};

describe('an order of our own doors', () => {
  let database: TestDatabase;
  let connection: Database;
  let store: EventStore;
  let batcher: CommandBatcher;

  beforeAll(async () => {
    database = await createDatabase();
    connection = await Database.connect(database.url);
    store = new EventStore(connection, 'main', new Signal());
    batcher = new CommandBatcher(store, { has: () => false });
  });
  afterAll(async () => {
    await connection?.close();
    await database?.drop();
  });

  const takeUp = (subject: string, id: string = randomUUID(), endDate?: string, party: Partial<typeof terms> = {}) =>
    batcher.submit(
      new TakeUpOrder(
        identities.of(subject),
        { ...terms, ...party },
        { authorizationId: id, authorizedAt: now },
        endDate,
        { key: `grant:${id}`, fingerprint: createHash('sha256').update(id).digest() },
        trace,
        now,
      ),
    );
  const reapprove = (subject: string) =>
    new ReapproveHandler(batcher).execute(
      new ReapproveOrder(
        identities.of(subject),
        terms,
        { authorizationId: randomUUID(), authorizedAt: now },
        trace,
        now,
      ),
    );
  const at = (id: string, moment = now) =>
    new SubscriptionHandler(store).execute(new SubscriptionQuery(id, moment)).then((found) => found?.standing);
  const persons = async () =>
    (await connection.query<{ count: string }>('test', 'select count(*) from person'))[0]!.count;

  it('walks a subscription through its whole life', async () => {
    const subject = randomUUID();
    const { recorded, standing } = await takeUp(subject);
    expect(recorded).toBe(true);
    const id = standing.subscription_id;
    expect(await at(id)).toEqual({ subscription_id: id, status: 'active', end_date: '2026-03-31' });

    const grant = { grantedDays: 30, authorizedAt: now };
    await batcher.submit(new AdjustOrder(id, '2026-03-20', grant, trace, now));
    expect(await at(id)).toMatchObject({ end_date: '2026-03-20' });
    await batcher.submit(new SuspendOrder(id, 'provider', trace, now));
    expect(await at(id)).toMatchObject({ status: 'suspended' });
    await reapprove(subject);
    expect(await at(id)).toMatchObject({ status: 'active' });
    await batcher.submit(new SuspendOrder(id, 'operator', trace, now));
    await batcher.submit(new ResumeOrder(id, 'person', trace, now));
    expect(await at(id)).toMatchObject({ status: 'active' });
    await batcher.submit(new TerminateOrder(id, 'person', trace, now));
    expect(await at(id)).toMatchObject({ status: 'terminated', end_date: '2026-03-01' });

    const later = new Date(now.getTime() + 1);
    const next = await batcher.submit(
      new TakeUpOrder(
        identities.of(subject),
        terms,
        { authorizationId: 'next', authorizedAt: later },
        undefined,
        { key: 'grant:next', fingerprint: Buffer.alloc(32) },
        trace,
        later,
      ),
    );
    expect(next.standing.subscription_id).toBe(`${streamOf(id)}.2`);
    // Each of them as it stands by itself, not as the latest of their stream.
    expect(await at(id)).toMatchObject({ status: 'terminated' });
    expect(await at(`${streamOf(id)}.2`)).toMatchObject({ status: 'active' });
    expect(await at(`${streamOf(id)}.3`)).toBeUndefined();
  });

  it('that is the same grant again gets the first answer, whatever end date it asks for', async () => {
    const [subject, id] = [randomUUID(), randomUUID()];
    const first = await takeUp(subject, id);
    const again = await takeUp(subject, id, '2026-03-10');
    expect(again).toEqual({ recorded: false, standing: first.standing });
  });

  it('shows a subscription by the date, though nobody has noticed yet that its end date has come', async () => {
    const { standing } = await takeUp(randomUUID());
    const eve = new Date('2026-03-30T23:59:59+02:00');
    expect(await at(standing.subscription_id, eve)).toMatchObject({ status: 'active' });
    expect(await at(standing.subscription_id, new Date(eve.getTime() + 1_000))).toMatchObject({ status: 'expired' });
  });

  it('to re-approve what somebody never had changes nothing and makes nobody known', async () => {
    const before = await persons();
    await reapprove(randomUUID());
    expect(await persons()).toBe(before);
  });

  it('leaves no subscription out when all of a person on one service are asked for, and none in that is not active', async () => {
    const subject = randomUUID();
    const of = (party: Partial<typeof terms>) =>
      takeUp(subject, randomUUID(), undefined, party).then(({ standing }) => standing.subscription_id);
    const clients = Array.from({ length: 203 }, (_, nth) => `app-${nth}.example`);
    const [first, last] = [await of({ clientId: clients[0] }), await of({ clientId: clients[202], grantedDays: 60 })];
    const [suspended, ended] = [await of({ clientId: clients[1] }), await of({ clientId: clients[2] })];
    await batcher.submit(new SuspendOrder(suspended, 'operator', trace, now));
    await batcher.submit(new TerminateOrder(ended, 'person', trace, now));
    await of({ provider: 'andere', clientId: clients[3] });
    await of({ serviceId: '43', clientId: clients[4] });
    await of({ clientId: 'not-asked.example' });
    await takeUp(randomUUID(), randomUUID(), undefined, { clientId: clients[5] });

    const personId = await new KnownPersons(connection, new PersonalSeal(key)).idOf(identities.of(subject));
    const active = (moment: Date) =>
      new ActiveSubscriptionsHandler(store).execute(
        new ActiveSubscriptionsQuery(personId!, { provider: 'aanbieder', serviceId: '42' }, clients, moment),
      );
    const party = { provider: 'aanbieder', service_id: '42', person_id: personId };
    const found = (subscriptionId: string, clientId: string | undefined) => ({
      subscriptionId,
      version: 1,
      party: { ...party, client_id: clientId },
      interfaceVersion: '3.0.0',
    });
    expect(await active(now)).toEqual([found(first, clients[0]), found(last, clients[202])]);
    // By the date, though nobody has noticed yet that the end date of the first has come.
    expect(await active(new Date('2026-03-31T00:00:00+02:00'))).toEqual([found(last, clients[202])]);
  });
});
