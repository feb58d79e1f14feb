import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { accepted, deliveriesOf, type Delivery, isReady, type Page, type Problem, scopeOf } from './walk';

interface Attempt {
  attempt: number;
  at: string | null;
  recorded_at: string;
  status: number | null;
  error: string | null;
  duration_ms: number | null;
  outcome: string;
}

describe('the tries of one delivery', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
    await isReady(service);
  });
  afterEach(() => service.world.dvp.answer());
  afterAll(() => service.stop());

  const ask = (id: string, query = '') =>
    service.get<Page<Attempt> & Problem>(`/ops/api/deliveries/${id}/attempts${query}`);
  const newest = (id: string, look: Partial<Delivery>) =>
    eventually(async () => {
      const [delivery] = await deliveriesOf(service, id);
      expect(delivery).toMatchObject(look);
      return delivery!;
    });

  it('are told oldest first, in pages, each with what became of it; one that was turned away does not count', async () => {
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

  it('end with one that was not made when the delivery needed none any more', async () => {
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

  it('of a delivery that nobody knows, or asked for in a way nobody understands, are not told', async () => {
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
});
