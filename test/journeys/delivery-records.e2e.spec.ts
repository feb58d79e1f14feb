import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { accepted, deliveriesOf, type Delivery, isReady, type Page, type Problem, rowsOf, scopeOf } from './walk';

interface Attempt {
  attempt: number;
  at: string | null;
  recorded_at: string;
  status: number | null;
  error: string | null;
  duration_ms: number | null;
  outcome: string;
}

interface Report extends Page<Record<string, number | string>> {
  since: string;
  until: string;
}

describe('what operators can ask about deliveries', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
    await isReady(service);
  });
  afterEach(() => service.world.dvp.answer());
  afterAll(() => service.stop());

  const ask = (id: string, query = '') =>
    service.get<Page<Attempt> & Problem>(`/ops/api/deliveries/${id}/attempts${query}`);
  const report = (query = '') => service.get<Report & Problem>(`/ops/api/deliveries/report${query}`);
  const newest = (id: string, look: Partial<Delivery>) =>
    eventually(async () => {
      const [delivery] = await deliveriesOf(service, id);
      expect(delivery).toMatchObject(look);
      return delivery!;
    });

  it('tells the tries of one oldest first, in pages, each with what became of it; one that was turned away does not count', async () => {
    const { dvp, clock } = service.world;
    const answers = [503, 429, 204];
    dvp.answer((_, response) => void response.writeHead(answers.shift()!).end());
    const { subscription_id: id } = await accepted(service);
    const waiting = await newest(id, { state: 'pending', last_status: 503 });
    expect((await ask(waiting.delivery_id)).body.items.map(({ outcome }) => outcome)).toEqual(['retry']);
    clock.advance(60_000);
    await newest(id, { state: 'pending', last_status: 429 });
    clock.advance(120_000);
    const { delivery_id: deliveryId } = await newest(id, { state: 'delivered' });
    const { status, body } = await ask(deliveryId);
    expect([status, body.next]).toEqual([200, null]);
    expect(
      body.items.map(({ attempt, status: answered, error, outcome }) => [attempt, answered, error, outcome]),
    ).toEqual([
      [1, 503, 'status 503', 'retry'],
      [1, 429, 'status 429', 'retry'],
      [2, 204, null, 'delivered'],
    ]);
    for (const one of body.items) {
      expect(one).toEqual(expect.objectContaining({ at: expect.any(String), duration_ms: expect.any(Number) }));
      expect(Object.keys(one)).toHaveLength(7);
    }
    const first = await ask(deliveryId, '?limit=2');
    const second = await ask(deliveryId, `?limit=2&after=${first.body.next}`);
    expect([...first.body.items, ...second.body.items]).toEqual(body.items);
    expect([first.body.items.length, second.body.next]).toEqual([2, null]);
  });

  it('tells as the last of them one that was not made when the delivery needed none any more', async () => {
    const { dvp } = service.world;
    dvp.answerWith(503);
    const subject = somePerson();
    const { subscription_id: id } = await accepted(service, { subject });
    const { delivery_id: deliveryId } = await newest(id, { state: 'pending', attempts: 1 });
    await accepted(service, { subject, scope: scopeOf(30) });
    await eventually(async () =>
      expect(
        (await ask(deliveryId)).body.items.map(({ attempt, outcome, duration_ms }) => [attempt, outcome, duration_ms]),
      ).toEqual([
        [1, 'retry', expect.any(Number)],
        [1, 'dropped', null],
      ]),
    );
  });

  it('tells none of a delivery that nobody knows, nor when it is asked in a way nobody understands', async () => {
    for (const id of [randomUUID(), 'x', '%00']) {
      const { status, body } = await ask(id);
      expect([status, body.code]).toEqual([404, 'not_found']);
    }
    const cursor = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');
    const moment = '2026-01-01 10:00:00.123456+00';
    const bad = [
      cursor(moment, randomUUID()),
      cursor('-1', moment),
      cursor('9'.repeat(19), moment),
      cursor('1', 'now'),
    ];
    for (const query of ['limit=0', 'x=1', ...bad.map((after) => `after=${after}`)]) {
      const { status, body } = await ask(randomUUID(), `?${query}`);
      expect([query, status, body.code]).toEqual([query, 400, 'malformed_request']);
    }
    const unauthenticated = await service.send('GET', `/ops/api/deliveries/${randomUUID()}/attempts`, {});
    expect(unauthenticated.status).toBe(401);
  });

  it('balances what was planned for a client against what became of it, and misses what has been taken away', async () => {
    const subject = somePerson();
    const { subscription_id: id } = await accepted(service, { subject });
    const { delivery_id: deliveryId } = await newest(id, { state: 'delivered' });
    service.world.dvp.answerWith(503);
    await accepted(service, { subject, scope: scopeOf(20) });
    await newest(id, { state: 'pending', attempts: 1 });
    const since = new Date(Math.floor(service.world.clock.now().getTime() / 3_600_000 - 1) * 3_600_000).toISOString();
    const { status, body } = await report(`?since=${since}&client_id=localhost`);
    expect([status, body.since, Date.parse(body.until) % 3_600_000, body.next]).toEqual([200, since, 0, null]);
    expect(body.items).toHaveLength(1);
    const [balance] = body.items as [Record<string, number>];
    const { planned, lost, client_id, notification_type, ...states } = balance;
    expect([client_id, notification_type, lost]).toEqual(['localhost', 'subscription', 0]);
    expect(Object.keys(states).sort()).toEqual(['dead', 'delivered', 'dropped', 'parked', 'pending', 'sending']);
    expect(Object.values(states).reduce((sum, count) => sum + count, 0)).toBe(planned);
    expect([planned! >= 2, states.delivered! >= 1, states.pending! >= 1]).toEqual([true, true, true]);
    await rowsOf(service, 'delete from delivery_attempt where delivery_id = $1', [deliveryId]);
    const [after] = (await report(`?since=${since}`)).body.items;
    expect(after).toMatchObject({ planned, lost: 1 });
    expect((await report(`?client_id=nobody.example`)).body.items).toEqual([]);
  });

  it('reports no period that is not of full hours, too long, or too long ago', async () => {
    const day = (days: number) => new Date(Math.floor(Date.now() / 86_400_000 + days) * 86_400_000).toISOString();
    for (const query of [
      'since=2026-01-01',
      `since=${day(-1).replace('00:00.000', '30:00.000')}`,
      `since=${day(-1)}&until=${day(-1)}`,
      `since=${day(-8)}&until=${day(0)}`,
      `since=${day(-762)}&until=${day(-761)}`,
      'client_id=',
      'state=dead',
      'limit=0',
      'after=x',
      `after=${Buffer.from('["a","b"]').toString('base64url')}`,
    ]) {
      const { status, body } = await report(`?${query}`);
      expect([query, status, body.code]).toEqual([query, 400, 'malformed_request']);
    }
    // Endings are kept for 24 months, and so is what was planned.
    for (const period of [`since=${day(-7)}&until=${day(0)}`, `since=${day(-720)}&until=${day(-719)}`])
      expect((await report(`?${period}`)).status).toBe(200);
    expect((await service.send('GET', '/ops/api/deliveries/report', {})).status).toBe(401);
  });
});
