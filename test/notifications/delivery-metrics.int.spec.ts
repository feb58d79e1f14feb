import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { accepted, deliveriesOf, isReady, resumeClient, scopeOf, suspendClient } from '../journeys/walk';
import { client } from '../medmij-lists/list-xml';
import { somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { ListFolder } from '../support/list-folder';

const minute = 60_000;
/** Each test has a client of its own, so that the figures of one say nothing of another. */
const ids = [
  'outcomes',
  'refusing',
  'deadlines',
  'late',
  'waiting',
  'broken',
  'well',
  'beside',
  'hangs',
  'hung',
] as const;
type Id = (typeof ids)[number];
const idOf = (name: Id) => `${name}.example`;

describe('the figures of a client', () => {
  let service: TestService;
  let lists: ListFolder;
  beforeAll(async () => {
    lists = await ListFolder.make();
    const entries = ids.map((name) => {
      const endpoint = (kind: string) => `https://sample-client.example/${name}/${kind}`;
      return client(idOf(name), { subscription: endpoint('s'), resource: endpoint('r') });
    });
    await lists.publish('clients', (text) => text.replace('</OAuthclients>', `${entries.join('')}</OAuthclients>`));
    service = await TestService.start(lists.env);
    await isReady(service);
  });
  afterEach(() => service.world.dvp.answer());
  afterAll(async () => {
    await service.stop();
    await lists.remove();
  });

  /** What `/metrics` says under this name and these labels, whatever others it has; undefined when it says nothing. */
  const figure = async (name: string, labels: Record<string, string> = {}) => {
    const { text } = await service.send('GET', '/metrics', {});
    for (const line of text.split('\n')) {
      const [, found, given = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const all = Object.fromEntries([...given.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, text]) => [label, text]));
      if (found === name && Object.entries(labels).every(([label, text]) => all[label] === text)) return Number(value);
    }
    return undefined;
  };
  const shows = (value: number | undefined, name: string, labels: Record<string, string>) =>
    eventually(async () => expect([name, labels, await figure(name, labels)]).toEqual([name, labels, value]));
  const attempts = (name: Id, outcome: string) =>
    figure('medmij_delivery_attempts_total', { client_id: idOf(name), outcome });
  const allOf = async (outcome: string) => (await figure('medmij_deliveries_total', { outcome }))!;

  const subscribed = async (name: Id, subject = somePerson()) => {
    const { subscription_id: id } = await accepted(service, { client_id: idOf(name), subject });
    return { id, subject };
  };
  const becomes = (id: string, state: string) =>
    eventually(async () => expect((await deliveriesOf(service, id))[0]).toMatchObject({ state }));
  const changed = async (subject: string) => {
    const body = {
      change_id: randomUUID(),
      subject,
      provider: 'eenofanderezorgaanbieder',
      service_id: '42',
      available_at: service.world.clock.now().toISOString(),
    };
    const answer = await service.post('/resource-changes', body, 'resource-changes:write');
    expect([answer.status, answer.body]).toEqual([202, { notifications: 1 }]);
  };
  const later = (ms: number) => service.world.clock.advance(ms);
  /** Until its newest delivery has reached the client: the clock goes to its next try, and no farther. */
  const isDelivered = (id: string) =>
    eventually(async () => {
      const [delivery] = await deliveriesOf(service, id);
      const aheadMs = Date.parse(delivery!.due_at) - service.world.clock.now().getTime();
      if (delivery!.state === 'pending' && aheadMs > 0) later(aheadMs + 1_000);
      expect(delivery!.state).toBe('delivered');
    });

  it('count each of its tries by what became of it, and so do those of all clients', async () => {
    const { dvp } = service.world;
    const before = Object.fromEntries(
      await Promise.all(
        ['delivered', 'retry', 'dead', 'dropped'].map(async (outcome) => [outcome, await allOf(outcome)] as const),
      ),
    );
    const { id, subject } = await subscribed('outcomes');
    await becomes(id, 'delivered');
    // Once, however long it takes until the next try.
    const statuses = [503];
    dvp.answer((_, response) => void response.writeHead(statuses.pop() ?? 204).end());
    await accepted(service, { client_id: idOf('outcomes'), subject, scope: scopeOf(20) });
    await eventually(async () => expect(await attempts('outcomes', 'retry')).toBe(1));
    await isDelivered(id);
    await eventually(async () => expect(await attempts('outcomes', 'delivered')).toBe(2));
    dvp.answerWith(404);
    await accepted(service, { client_id: idOf('outcomes'), subject, scope: scopeOf(30) });
    await eventually(async () => expect(await attempts('outcomes', 'dead')).toBe(1));
    dvp.answerWith(400, { error: 'invalid_subscription_id' });
    await accepted(service, { client_id: idOf('outcomes'), subject, scope: scopeOf(40) });
    await eventually(async () => expect(await attempts('outcomes', 'dropped')).toBe(1));
    const now = await Promise.all(
      ['delivered', 'retry', 'dead', 'dropped'].map((outcome) => attempts('outcomes', outcome)),
    );
    expect(now).toEqual([2, 1, 1, 1]);
    expect(await figure('medmij_delivery_attempt_seconds_count', { client_id: idOf('outcomes') })).toBe(5);
    for (const [outcome, count] of Object.entries({ delivered: 2, retry: 1, dead: 1, dropped: 1 }))
      expect([outcome, await allOf(outcome)]).toEqual([outcome, before[outcome]! + count]);
    expect(await attempts('well', 'delivered')).toBeUndefined();
  });

  it('say how many met their deadline and how many did not, by kind', async () => {
    const { dvp } = service.world;
    const deadlines = (name: Id, type: string, met: boolean) =>
      [
        'medmij_delivery_deadlines_total',
        { client_id: idOf(name), notification_type: type, met: String(met) },
      ] as const;
    const { id, subject } = await subscribed('deadlines');
    await becomes(id, 'delivered');
    await changed(subject);
    await shows(1, ...deadlines('deadlines', 'subscription', true));
    await shows(1, ...deadlines('deadlines', 'resource', true));
    const atRisk = ['medmij_deliveries_at_risk', { client_id: idOf('deadlines') }] as const;
    expect(await figure(...atRisk)).toBeUndefined();

    dvp.answerWith(503);
    await changed(subject);
    await eventually(async () => expect(await attempts('deadlines', 'retry')).toBeGreaterThanOrEqual(1));
    later(52 * minute);
    await shows(1, ...atRisk);
    later(10 * minute);
    dvp.answer();
    await isDelivered(id);
    await shows(1, ...deadlines('deadlines', 'resource', false));
    expect(await figure(...deadlines('deadlines', 'resource', true))).toBe(1);
    expect(await figure(...atRisk)).toBeUndefined();

    dvp.answerWith(404);
    const refused = await subscribed('refusing');
    await becomes(refused.id, 'dead');
    await shows(1, ...deadlines('refusing', 'subscription', false));
    expect(await figure(...deadlines('refusing', 'subscription', true))).toBeUndefined();
  });

  it('say how old the oldest is that was not delivered, of who has any', async () => {
    const { dvp } = service.world;
    const oldest = (name: Id) => figure('medmij_delivery_oldest_undelivered_seconds', { client_id: idOf(name) });
    const served = await subscribed('well');
    await becomes(served.id, 'delivered');
    dvp.answerWith(503);
    const first = await subscribed('waiting');
    await eventually(() => expect(dvp.of(first.id).length).toBeGreaterThan(0));
    later(30 * minute);
    const second = await subscribed('waiting');
    const age = (await oldest('waiting'))!;
    expect(age).toBeGreaterThanOrEqual(30 * 60);
    // Whatever the machine is busy with.
    expect(age).toBeLessThan(35 * 60);
    expect(await oldest('well')).toBeUndefined();
    dvp.answer();
    for (const { id } of [first, second]) await isDelivered(id);
    await eventually(async () => expect(await oldest('waiting')).toBeUndefined());
  });

  it('say whether its breaker is closed, open or half open', async () => {
    const { dvp } = service.world;
    const breaker = ['medmij_delivery_breaker_state', { client_id: idOf('broken') }] as const;
    const { id } = await subscribed('broken');
    await becomes(id, 'delivered');
    await shows(0, ...breaker);
    dvp.answerWith(503);
    await Promise.all(Array.from({ length: 12 }, () => subscribed('broken')));
    // Ten failures in a row, wherever they come from; those that wait for their second try may be among them.
    await eventually(async () => {
      later(1_000);
      expect(await figure(...breaker)).toBe(2);
      expect((await service.get(`/ops/api/clients/${idOf('broken')}`)).body).toMatchObject({ breaker: 'open' });
    });
    // While nothing is sent to it, nothing finds out whether it is well again.
    await suspendClient(service, idOf('broken'));
    later(5 * minute);
    await shows(1, ...breaker);
    dvp.answer();
    await resumeClient(service, idOf('broken'));
    await shows(0, ...breaker);
    expect(await figure('medmij_delivery_breaker_state', { client_id: idOf('well') })).toBe(0);
  });

  it('are those of somebody who is served, though half of the endpoints hang', async () => {
    const { dvp } = service.world;
    const hanging: ServerResponse[] = [];
    dvp.answer(({ path }, response) => {
      if (/^\/(hangs|hung)\//.test(path)) hanging.push(response);
      else response.writeHead(204).end();
    });
    const each = 40;
    const before = (await attempts('well', 'delivered')) ?? 0;
    // Those that hang have what they get before anything is there for the others.
    await Promise.all(Array.from({ length: each }, () => [subscribed('hangs'), subscribed('hung')]).flat());
    await eventually(() => expect(hanging.length).toBeGreaterThanOrEqual(8));
    await Promise.all(Array.from({ length: each }, () => [subscribed('well'), subscribed('beside')]).flat());
    await eventually(async () =>
      expect([await attempts('well', 'delivered'), await attempts('beside', 'delivered')]).toEqual([
        before + each,
        each,
      ]),
    );
    // All go to one host here, over 32 connections: had these taken what they can get, nothing would have been left.
    expect(hanging.length).toBeLessThan(32);
    for (const name of ['hangs', 'hung'] as const) expect(await attempts(name, 'delivered')).toBeUndefined();
    dvp.answer();
    for (const response of hanging) response.writeHead(204).end();
    await eventually(async () => {
      later(5_000);
      expect([await attempts('hangs', 'delivered'), await attempts('hung', 'delivered')]).toEqual([each, each]);
    });
  });
});
