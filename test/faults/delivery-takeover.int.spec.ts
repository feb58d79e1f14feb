import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { authorizedRequest, somePerson } from '../support/app';
import type { ReceivedNotification } from '../support/dvp';
import { eventually } from '../support/eventually';
import type { ServiceProcess } from './service-process';
import { Surroundings } from './surroundings';

const persons = 24;
/** What each person agrees to, one after the other; the last of it when only the one that was frozen is left. */
const daysAsked = [180, 20, 30];
const names = ['first', 'second', 'third'] as const;
type Name = (typeof names)[number];
const takeoverMs = 60_000;

interface Subscription {
  subject: string;
  id: string;
  /** End dates in the order in which they were agreed to; all of them differ. */
  agreed: string[];
}

/**
 * Three worker processes on one queue, each known to the client by a certificate of its own: the first is killed and the second
 * stands still while the client has not answered them yet; the third, which starts after that, takes over from both.
 */
describe('a worker that is killed and one that stands still while the client has its notifications', () => {
  let world: Surroundings;
  let door: ServiceProcess;
  const workers = {} as Record<Name, ServiceProcess>;
  const subscriptions: Subscription[] = [];
  /** What the client has not answered, in the order in which it came. */
  const held: { notification: ReceivedNotification; response: ServerResponse }[] = [];
  let isHeld: (notification: ReceivedNotification) => boolean = () => true;
  /** What came before the one that stands still went on: of the two it was under way, for they got no answer. */
  let beforeWakeUp: ReceivedNotification[] | undefined;

  beforeAll(async () => {
    world = await Surroundings.make();
    world.dvp.answer((notification, response) => {
      if (isHeld(notification)) held.push({ notification, response });
      else response.writeHead(204).end();
    });
    door = await world.process('door', { ROLES: 'api' });
    await door.start();
    for (const name of names)
      workers[name] = await world.process(name, { ROLES: 'delivery', ...(await world.identity(name)) });
    await Promise.all(Array.from({ length: persons }, () => subscribe()));
    await Promise.all([workers.first.start(), workers.second.start()]);
    await eventually(() => {
      for (const name of ['first', 'second']) expect(of(name).length).toBeGreaterThan(0);
    });
    await workers.first.kill();
    workers.second.freeze();
    isHeld = (notification) => notification.sender !== 'third' || inFlightOf('second').has(changeOf(notification));
    await workers.third.start();
  }, 300_000);
  afterAll(async () => {
    workers.second?.wakeUp();
    await Promise.all([door, ...Object.values(workers)].map((process) => process?.kill()));
    await world?.remove();
  });

  const of = (sender: string, received = world.dvp.received) => received.filter((one) => one.sender === sender);
  /** A change by the correlation id of its request. */
  const changeOf = ({ headers }: ReceivedNotification) => String(headers['x-correlation-id']);
  const inFlightOf = (name: Name) => new Set(of(name, beforeWakeUp).map(changeOf));
  const timesTold = (change: string) => world.dvp.received.filter((one) => changeOf(one) === change).length;

  async function agree(subscription: Subscription, days: number): Promise<void> {
    const request = authorizedRequest({
      subject: subscription.subject,
      scope: `subscribe~${days}/eenofanderezorgaanbieder~42`,
    });
    const answer = await fetch(`${door.baseUrl}/authorizations`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${world.token}`,
        'content-type': 'application/json',
        'x-correlation-id': randomUUID(),
      },
      body: JSON.stringify(request),
    });
    expect(answer.status).toBe(201);
    const { subscription_id: id, end_date } = (await answer.json()) as { subscription_id: string; end_date: string };
    subscription.id = id;
    subscription.agreed.push(end_date);
  }

  async function subscribe(): Promise<void> {
    const subscription: Subscription = { subject: somePerson(), id: '', agreed: [] };
    for (const days of daysAsked) await agree(subscription, days);
    subscriptions.push(subscription);
  }

  /** Every subscription's newest state is the last the client was told, and it was told in order. */
  const isToldInOrder = () => {
    for (const { id, agreed } of subscriptions) {
      const places = world.dvp.of(id).map(({ body }) => agreed.indexOf(String(body.end_date)));
      expect(places).toEqual([...places].sort((a, b) => a - b));
      expect(places.at(-1)).toBe(agreed.length - 1);
    }
  };
  /** What became of the tries at these changes, as the log of attempts has it. */
  const outcomesOf = (changes: ReadonlySet<string>) =>
    world.rows<{ outcome: string; status: number | null; error: string | null }>(
      'select outcome, status, error from delivery_attempt where correlation_id = any ($1)',
      [[...changes]],
    );
  const isOver = async () => expect(await world.rows('select 1 from delivery')).toEqual([]);

  it('begin with a few calls to one endpoint, however much is due when they start', () => {
    for (const name of ['first', 'second'] as const) expect(inFlightOf(name).size).toBeLessThan(persons / 3);
  });

  it('lose nothing to the one that takes over, and nothing else is sent again', async () => {
    await eventually(() => {
      const taken = new Set(of('third').map(changeOf));
      for (const change of [...inFlightOf('first'), ...inFlightOf('second')]) expect(taken).toContain(change);
    }, takeoverMs);
    // All that the one that stands still does not hold up is told.
    await eventually(() => {
      for (const { id, agreed } of subscriptions) {
        const told = world.dvp.of(id);
        if (!told.some((one) => inFlightOf('second').has(changeOf(one))))
          expect(told.at(-1)!.body.end_date).toBe(agreed.at(-1));
      }
    }, takeoverMs);
    const known = new Set([...inFlightOf('first'), ...inFlightOf('second')]);
    for (const change of new Set(world.dvp.received.map(changeOf)))
      if (!known.has(change)) expect([change, timesTold(change)]).toEqual([change, 1]);
  }, 120_000);

  it('write nothing any more when they come back: what the client said to them does not count', async () => {
    beforeWakeUp = [...world.dvp.received];
    const changes = inFlightOf('second');
    workers.second.wakeUp();
    // To them the client says that it will never take these; to who has taken over it says nothing yet.
    const refusal = JSON.stringify({ error: 'invalid_notification_type' });
    for (const { notification, response } of held)
      if (notification.sender === 'second')
        response.writeHead(400, { 'content-type': 'application/json' }).end(refusal);
    await eventually(() => {
      const lines = workers.second
        .lines()
        .filter((line) => line.includes('"delivery.attempted"'))
        .map((line) => JSON.parse(line) as { correlation_id: string; overtaken?: boolean })
        .filter(({ correlation_id: change }) => changes.has(change));
      expect(new Set(lines.map(({ correlation_id: change }) => change))).toEqual(changes);
      for (const { overtaken } of lines) expect(overtaken).toBe(true);
    }, takeoverMs);
    for (const { outcome, status } of await outcomesOf(changes)) expect([outcome, status]).not.toEqual(['dead', 400]);
    isHeld = () => false;
    for (const { response } of held) if (!response.writableEnded) response.writeHead(204).end();
    await eventually(isOver, takeoverMs);
    isToldInOrder();
    const outcomes = await outcomesOf(changes);
    expect(outcomes.filter(({ outcome }) => outcome === 'dead')).toEqual([]);
    expect(outcomes.filter(({ outcome }) => outcome === 'delivered').length).toBeGreaterThan(0);
  }, 120_000);

  it('go on with the work when they come back', async () => {
    expect(await workers.third.stop()).toBe(0);
    await Promise.all(subscriptions.map((subscription) => agree(subscription, 0)));
    await eventually(isToldInOrder, takeoverMs);
    await eventually(isOver, takeoverMs);
    expect(workers.second.deaths).toEqual([]);
  }, 120_000);
});
