import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import {
  accepted,
  amsterdamDate,
  historyOf,
  isReady,
  itemOf,
  type Page,
  type Problem,
  resumeClient,
  scopeOf,
  suspendClient,
  typesOf,
} from './walk';

interface Item extends Problem {
  subscription_id: string;
  position: string;
  end_date: string;
  version: number;
}

describe('what operators do to one subscription', () => {
  let service: TestService;
  const subject = somePerson();
  beforeAll(async () => {
    service = await TestService.start();
    await isReady(service);
  });
  afterAll(() => service.stop());

  type Verb = 'terminate' | 'suspend' | 'resume';
  const reason = { reason_text: 'complaint 2026-17' };
  const order = (verb: Verb, id: string, body: object = reason, scope: 'ops:read' | 'ops:write' = 'ops:write') =>
    service.post<Item>(`/ops/api/subscriptions/${id}/${verb}`, body, scope, {
      'MedMij-Request-ID': `${verb}-${id}`,
    });
  const running = async () => (await accepted(service, { subject: somePerson() })).subscription_id;
  /** The item as reads give it once the projection is there. */
  async function expectItem({ position, ...item }: Item) {
    expect(await itemOf(service, item.subscription_id, position)).toEqual(item);
  }

  it('is to end it: 200, the item and its position, and the client is told', async () => {
    const id = await running();
    const { status, body } = await order('terminate', id);
    expect([status, body]).toEqual([
      200,
      expect.objectContaining({
        subscription_id: id,
        status: 'terminated',
        end_date: amsterdamDate(new Date()),
        end_reason: 'operator',
        suspended_by: null,
        version: 2,
        position: expect.any(String),
      }),
    ]);
    await expectItem(body);
    await eventually(() =>
      expect(service.world.dvp.of(id).at(-1)?.body).toMatchObject({ end_date: amsterdamDate(new Date()) }),
    );
    expect(await order('terminate', id)).toMatchObject({ status: 422, body: { code: 'not_subscribed' } });
  });

  it('may be on behalf of the provider', async () => {
    const id = await running();
    expect((await order('suspend', id, { ...reason, by: 'provider' })).body).toMatchObject({
      status: 'suspended',
      suspended_by: 'provider',
    });
    expect((await order('terminate', id, { ...reason, by: 'provider' })).body).toMatchObject({
      end_reason: 'provider',
      suspended_by: null,
    });
  });

  it('is to suspend it and to resume it, each 200 also when it is so already, and then recorded once', async () => {
    const id = await running();
    const [first, again] = [await order('suspend', id), await order('suspend', id, { ...reason, by: 'provider' })];
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(first.body).toMatchObject({ status: 'suspended', suspended_by: 'operator', version: 2 });
    expect(again.body).toEqual(first.body);
    const [resumed, resumedAgain] = [await order('resume', id), await order('resume', id)];
    expect([resumed.status, resumedAgain.status]).toEqual([200, 200]);
    expect(resumed.body).toMatchObject({ status: 'active', suspended_by: null, version: 3 });
    expect(resumedAgain.body).toEqual(resumed.body);
    await expectItem(resumed.body);
    expect(typesOf(await historyOf(service, id))).toEqual(['started', 'suspended', 'resumed']);
  });

  it('is refused on one that has ended, also when the next one runs', async () => {
    await accepted(service, { subject });
    const { subscription_id: ended } = await accepted(service, { subject, scope: scopeOf(0) });
    const next = await accepted(service, { subject });
    for (const verb of ['terminate', 'suspend', 'resume'] as const) {
      expect(await order(verb, ended)).toMatchObject({ status: 422, body: { code: 'not_subscribed' } });
    }
    const read = await itemOf(service, next.subscription_id, next.position);
    expect(read).toMatchObject({ status: 'active', version: 3 });
  });

  it('does not resume what is suspended with the whole client', async () => {
    const id = await running();
    await suspendClient(service);
    expect(await order('resume', id)).toMatchObject({ status: 422, body: { code: 'client_suspended' } });
    await resumeClient(service);
  });

  it.each(['terminate', 'suspend', 'resume'] as const)(
    'needs the scope ops:write, a reason, and a subscription: %s',
    async (verb) => {
      const id = await running();
      expect((await order(verb, id, reason, 'ops:read')).status).toBe(403);
      for (const unknown of [`${randomUUID()}.1`, `${id.slice(0, -1)}2`, 'x']) {
        expect(await order(verb, unknown)).toMatchObject({ status: 404, body: { code: 'not_found' } });
      }
      for (const bad of [
        {},
        { reason_text: '' },
        { reason_text: 'x'.repeat(501) },
        { reason_text: 'two\nlines' },
        { reason_text: 1 },
        { ...reason, by: 'client' },
        { ...reason, by: 'person' },
        { ...reason, other: 1 },
      ]) {
        expect(await order(verb, id, bad)).toMatchObject({ status: 400, body: { code: 'malformed_request' } });
      }
      expect(typesOf(await historyOf(service, id))).toEqual(['started']);
    },
  );

  it('is written down: who, what, why, and what became of it', async () => {
    const id = await running();
    await order('suspend', id, { reason_text: '😀'.repeat(500), by: 'provider' });
    await order('suspend', id);
    await order('terminate', id);
    await order('resume', id);
    const lines = service.world.logLines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const audited = lines.filter(({ msg, subscription_id: of }) => msg === 'ops.audit' && of === id);
    expect(audited).toEqual([
      expect.objectContaining({ what: 'subscription.suspend', details: { by: 'provider' }, outcome: 'done' }),
      expect.objectContaining({ what: 'subscription.suspend', details: { by: 'operator' }, outcome: 'already_so' }),
      expect.objectContaining({ what: 'subscription.terminate', outcome: 'done' }),
      expect.objectContaining({ what: 'subscription.resume', outcome: 'not_subscribed' }),
    ]);
    for (const line of audited)
      expect(line).toMatchObject({ who: 'developer', request_id: expect.stringContaining(id) });
    expect(audited[2]).toMatchObject({ correlation_id: expect.any(String) });
    // What people write stands in the trail only.
    expect(service.world.logLines.filter((line) => line.includes(reason.reason_text))).toEqual([]);
    const { items } = (await service.get<Page<object>>(`/ops/api/audit?request_id=terminate-${id}`)).body;
    expect(items).toContainEqual(expect.objectContaining({ what: 'subscription.terminate', ...reason }));
  });
});
