import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { accepted, deliveriesOf, isReady, type Page, type Problem } from './walk';

const clientId = 'localhost';
const rate = 4;
const waitMs = 60_000;

interface Endpoint {
  client_id: string;
  notification_type: string;
  breaker: string;
  failures: number;
  failing_since: string | null;
  last_failure_at: string | null;
  warned_at: string | null;
}

describe('the endpoint of a client', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start({
      DELIVERY_RATES: `${clientId}=${rate}`,
      ENDPOINT_FAILING_WARN_S: '60',
      ENDPOINT_FAILING_SUSPEND_S: '150',
    });
    await isReady(service);
  });
  afterAll(() => service.stop());

  const endpoints = async (query = '') =>
    (await service.get<Page<Endpoint> & Problem>(`/ops/api/endpoints${query}`)).body;
  const client = async () => (await service.get(`/ops/api/clients/${clientId}`)).body;
  const metric = async (name: string) =>
    Number(new RegExp(`^${name}\\{client_id="${clientId}"\\} (\\S+)$`, 'm').exec((await metrics()) ?? '')?.[1]);
  const metrics = async () => (await service.send('GET', '/metrics', {})).text;
  const linesOf = (event: string) => service.world.logLines.filter((line) => line.includes(`"${event}"`));

  it('is not called more often than its rate allows, by two processes together, and nothing counts as a try', async () => {
    const beside = await service.beside({ ROLES: 'delivery' });
    const count = 16;
    try {
      const startedMs = performance.now();
      const all = await Promise.all(Array.from({ length: count }, () => accepted(service, { subject: somePerson() })));
      const ids = all.map(({ subscription_id: id }) => id);
      await eventually(
        () => expect(ids.map((id) => service.world.dvp.of(id).length)).toEqual(ids.map(() => 1)),
        waitMs,
      );
      // One at once, and four that may be claimed before anybody has seen the endpoint; the others wait for their turn.
      expect(performance.now() - startedMs).toBeGreaterThan(((count - 1 - 4) / rate) * 1_000);
      await eventually(async () => {
        const [last] = await deliveriesOf(service, ids.at(-1)!);
        expect(last).toMatchObject({ state: 'delivered', attempts: 1 });
      }, waitMs);
      const waits = /^medmij_delivery_rate_waits_total\{client_id="localhost"\} [1-9]/m;
      const texts = await Promise.all([metrics(), beside.send('GET', '/metrics', {}).then(({ text }) => text)]);
      expect(texts.some((text) => waits.test(text))).toBe(true);
      // By this operators are told that nobody has a role: who has it not does not show its figures.
      expect(texts[1]).toMatch(/^medmij_planner_lag_seconds/m);
      expect(texts[1]).not.toMatch(/^medmij_(relay_lag_seconds|projection_lag_seconds|endpoint_looks_total)/m);
    } finally {
      await beside.world.app.close();
    }
  });

  it('that does nothing but fail is warned of, then its client is suspended; resumed, it begins with a clean window', async () => {
    const { dvp, clock } = service.world;
    dvp.answerWith(503);
    const { subscription_id: id } = await accepted(service, { subject: somePerson() });
    /** Until it has been tried once more. */
    const triedAgain = async (afterMs: number) => {
      const tries = dvp.of(id).length;
      clock.advance(afterMs);
      await eventually(() => expect(dvp.of(id).length).toBeGreaterThan(tries), waitMs);
    };
    await triedAgain(0);
    await eventually(async () => expect((await endpoints('?failing=true')).items).toHaveLength(1), waitMs);
    const [failing] = (await endpoints(`?failing=true&client_id=${clientId}`)).items;
    expect(failing).toMatchObject({ client_id: clientId, notification_type: 'subscription', warned_at: null });
    expect(linesOf('endpoint.failing')).toEqual([]);

    await triedAgain(90_000);
    await eventually(() => expect(linesOf('endpoint.failing')).toHaveLength(1), waitMs);
    expect(JSON.parse(linesOf('endpoint.failing')[0]!)).toMatchObject({
      client_id: clientId,
      failing_since: failing!.failing_since,
      suspends_at: new Date(Date.parse(failing!.failing_since!) + 150_000).toISOString(),
    });
    const [warned] = (await endpoints('?failing=true')).items;
    expect([warned!.failing_since, typeof warned!.warned_at]).toEqual([failing!.failing_since, 'string']);
    expect(await metric('medmij_endpoint_failing_seconds')).toBeGreaterThanOrEqual(60);
    expect(await metric('medmij_endpoints_warned')).toBe(1);
    expect(await client()).toMatchObject({ status: 'active' });

    await triedAgain(200_000);
    await eventually(
      async () => expect(await client()).toMatchObject({ status: 'suspended', suspended_reason: 'endpoint_failing' }),
      waitMs,
    );
    await eventually(() => expect(linesOf('endpoint.failing_client_suspended')).toHaveLength(1), waitMs);
    expect(await metrics()).toContain(`medmij_client_suspended{client_id="${clientId}",reason="endpoint_failing"} 1\n`);
    await eventually(async () => {
      const [waiting] = await deliveriesOf(service, id);
      expect(waiting).toMatchObject({ state: 'parked' });
    }, waitMs);

    const resume = () =>
      service.post(`/ops/api/clients/${clientId}/resume`, { reason_text: 'it is well again' }, 'ops:write');
    expect((await resume()).status).toBe(200);
    // Still out of order, but that has only begun.
    await triedAgain(300_000);
    await eventually(async () => {
      const [anew] = (await endpoints('?failing=true')).items;
      expect(Date.parse(anew!.failing_since!)).toBeGreaterThan(Date.parse(warned!.last_failure_at!));
      expect(anew!.warned_at).toBeNull();
    }, waitMs);
    expect(await client()).toMatchObject({ status: 'active' });
    dvp.answer();
    clock.advance(600_000);
    await eventually(async () => {
      const [told] = await deliveriesOf(service, id);
      expect(told).toMatchObject({ state: 'delivered' });
    }, waitMs);
    await eventually(async () => expect((await endpoints('?failing=true')).items).toEqual([]), waitMs);
    expect((await endpoints('?failing=false')).items).toContainEqual(
      expect.objectContaining({ client_id: clientId, breaker: 'closed', failures: 0, failing_since: null }),
    );
  });

  it('is listed to operators only, and in no way that nobody understands', async () => {
    const cursor = (...parts: string[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');
    for (const query of [
      'failing=yes',
      'limit=0',
      'x=1',
      'client_id=%00',
      `after=${cursor('a', 'b', 'c')}`,
      `after=${cursor('a', '\0', 'c', 'resource')}`,
    ]) {
      const { code } = await endpoints(`?${query}`);
      expect([query, code]).toEqual([query, 'malformed_request']);
    }
    expect((await endpoints(`?after=${cursor('zzz', '42', '3.0.0', 'resource')}`)).items).toEqual([]);
    expect((await service.send('GET', '/ops/api/endpoints', {})).status).toBe(401);
  });
});
