import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import {
  accepted,
  amsterdamDate,
  deliveriesOf,
  type Delivery,
  historyOf,
  type HistoryItem,
  isReady,
  itemOf,
  type Page,
  type Problem,
  rowsOf,
  scopeOf,
  type Standing,
} from './walk';

interface Stats {
  subscriptions: Record<string, number>;
  deliveries: Record<string, number>;
  relay: object;
  projections: object;
  log_held_by: object | null;
}

interface Item extends Record<string, unknown> {
  subscription_id: string;
  started_at: string;
}

describe('the API for operators', () => {
  let service: TestService;
  const subject = somePerson();
  let first: Standing;
  let atOther: Standing;
  let ended: Standing;
  let ofOtherClient: Standing;
  let personId: string;
  beforeAll(async () => {
    service = await TestService.start();
    await isReady(service);
    first = await accepted(service, { subject });
    atOther = await accepted(service, { subject, scope: scopeOf(90, 'anderezorgaanbieder', '43') });
    await accepted(service, { subject, scope: scopeOf(7, 'aanbiederkort') });
    ended = await accepted(service, { subject, scope: scopeOf(0, 'aanbiederkort') });
    ofOtherClient = await accepted(service, { client_id: 'not-whitelisted.example' });
    personId = String((await itemOf(service, first.subscription_id, ofOtherClient.position)).person_id);
  });
  afterAll(() => service.stop());

  const list = (query: string) => service.get<Page<Item> & Problem>(`/ops/api/subscriptions${query}`);
  const idsOf = async (query: string) => (await list(query)).body.items.map(({ subscription_id: id }) => id);
  /** Every page of a list, one after the other; something may happen in between. */
  async function pages<Row>(path: string, limit: number, between: () => Promise<unknown> = () => Promise.resolve()) {
    const all: Row[][] = [];
    for (let next: string | null = ''; next !== null;) {
      const after: string = next === '' ? '' : `&after=${encodeURIComponent(next)}`;
      const { status, body } = await service.get<Page<Row>>(
        `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${after}`,
      );
      expect(status).toBe(200);
      all.push(body.items);
      next = body.next;
      await between();
    }
    return all;
  }

  it('lists subscriptions newest first', async () => {
    const { body } = await list('');
    expect(body.items.map(({ subscription_id: id }) => id)).toEqual([
      ofOtherClient.subscription_id,
      ended.subscription_id,
      atOther.subscription_id,
      first.subscription_id,
    ]);
    expect(body.next).toBeNull();
  });

  it('filters them by client, provider, service, status, person and any of these together', async () => {
    const all = [first, atOther, ended, ofOtherClient].map(({ subscription_id: id }) => id);
    const only = (...indexes: number[]) => indexes.map((index) => all[index]);
    expect(await idsOf('?client_id=not-whitelisted.example')).toEqual(only(3));
    expect(await idsOf('?provider=anderezorgaanbieder')).toEqual(only(1));
    expect(await idsOf('?service_id=43')).toEqual(only(1));
    expect(await idsOf('?status=terminated')).toEqual(only(2));
    expect(await idsOf('?status=active')).toEqual(only(3, 1, 0));
    for (const status of ['suspended', 'expired']) expect(await idsOf(`?status=${status}`)).toEqual([]);
    expect(await idsOf(`?person_id=${personId}`)).toEqual(only(2, 1, 0));
    expect(await idsOf(`?person_id=${randomUUID()}`)).toEqual([]);
    expect(await idsOf(`?person_id=${personId}&status=active&service_id=42&client_id=localhost`)).toEqual(only(0));
    expect(await idsOf('?client_id=localhost&provider=eenofanderezorgaanbieder')).toEqual(only(0));
    expect(await idsOf(`?client_id=${encodeURIComponent("x' or '1'='1")}`)).toEqual([]);
  });

  it.each([
    '?limit=0',
    '?limit=501',
    '?limit=-1',
    '?limit=1.5',
    '?limit=many',
    '?limit=',
    '?limit=1&limit=2',
    '?status=asleep',
    '?person_id=me',
    '?colour=green',
    '?after=nonsense',
    '?after=',
    `?after=${Buffer.from('["2026-01-01 00:00:00+00"]').toString('base64url')}`,
    `?after=${Buffer.from('["x","y"]').toString('base64url')}`,
    `?after=${Buffer.from('null').toString('base64url')}`,
    '?wait_for=now',
    '?client_id=',
    '?client_id=%00',
  ])('refuses %s', async (query) => {
    const { status, body } = await list(query);
    expect([status, body.code]).toEqual([400, 'malformed_request']);
  });

  it('takes a limit of 1 to 500', async () => {
    expect((await list('?limit=500')).status).toBe(200);
    const { body } = await list('?limit=1');
    expect([body.items.length, typeof body.next]).toEqual([1, 'string']);
  });

  it('gives every subscription once, page after page, while more are being added', async () => {
    const mine = await Promise.all(Array.from({ length: 23 }, () => accepted(service, { scope: scopeOf(5) })));
    const last = mine.reduce((one, other) => (one.position > other.position ? one : other));
    await itemOf(service, last.subscription_id, last.position);
    const before = new Set(await idsOf('?limit=500'));
    const found = (
      await pages<Item>('/ops/api/subscriptions', 4, async () => {
        const { subscription_id: id, position } = await accepted(service);
        await itemOf(service, id, position);
      })
    ).flat();
    const ids = found.map(({ subscription_id: id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(ids)).toEqual(before);
    const moments = found.map(({ started_at }) => started_at);
    expect(moments).toEqual([...moments].sort().reverse());
    const filtered = (await pages<Item>(`/ops/api/subscriptions?person_id=${personId}`, 1)).map((page) => page.length);
    expect(filtered).toEqual([1, 1, 1]);
  });

  it('tells the history of one subscription oldest first, in pages', async () => {
    const person = somePerson();
    for (const days of [180, 30, 60]) await accepted(service, { subject: person, scope: scopeOf(days) });
    await accepted(service, { subject: person, scope: scopeOf(0) });
    const again = await accepted(service, { subject: person });
    const { subscription_id: id } = again;
    const old = id.replace(/2$/, '1');
    await itemOf(service, id, again.position);
    const all = await historyOf(service, old);
    expect(all.map(({ version }) => version)).toEqual([1, 2, 3, 4]);
    expect(all[0]).toEqual({
      event_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      type: 'nl.medmij.subscription.started.v1',
      version: 1,
      position: expect.any(String),
      occurred_at: expect.stringMatching(/Z$/),
      correlation_id: expect.any(String),
      data: {
        subscription_id: old,
        client_id: 'localhost',
        provider: 'eenofanderezorgaanbieder',
        service_id: '42',
        person_id: expect.any(String),
        end_date: amsterdamDate(new Date(), 180),
        interface_version: '3.0.0',
        authorization_id: expect.any(String),
        authorized_at: expect.any(String),
      },
    });
    expect(all.map(({ position }) => position)).toEqual(all.map(({ position }) => position).sort());
    for (const limit of [1, 2, 3, 4])
      expect((await pages<HistoryItem>(`/ops/api/subscriptions/${old}/history`, limit)).flat()).toEqual(all);
    expect((await historyOf(service, id)).map(({ version }) => version)).toEqual([5]);
  });

  it('lists the notifications of one subscription and all deliveries, in pages', async () => {
    const person = somePerson();
    for (const days of [180, 30, 60, 90, 0]) await accepted(service, { subject: person, scope: scopeOf(days) });
    const { subscription_id: id } = await accepted(service, { subject: person, scope: scopeOf(0) }, 200);
    await eventually(async () => {
      const states = (await deliveriesOf(service, id)).map(({ state }) => state);
      expect(states).toEqual(Array(5).fill('delivered'));
    });
    const all = await deliveriesOf(service, id);
    expect(all.map(({ created_at }) => created_at)).toEqual(
      all
        .map(({ created_at }) => created_at)
        .sort()
        .reverse(),
    );
    const inPages = await pages<Delivery>(`/ops/api/subscriptions/${id}/notifications`, 2);
    expect(inPages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(inPages.flat()).toEqual(all);

    const delivered = (await pages<Delivery>('/ops/api/deliveries?state=delivered', 3, () => accepted(service))).flat();
    const deliveryIds = delivered.map(({ delivery_id }) => delivery_id);
    expect(new Set(deliveryIds).size).toBe(deliveryIds.length);
    expect(delivered).toEqual(expect.arrayContaining(all));
    for (const { state } of delivered) expect(state).toBe('delivered');
    const other = await service.get<Page<Delivery>>('/ops/api/deliveries?client_id=not-whitelisted.example');
    expect(other.body.items.map(({ subscription_id }) => subscription_id)).toEqual([ofOtherClient.subscription_id]);
    expect(other.body.items[0]).toMatchObject({ last_error: 'host_not_whitelisted', state: 'pending' });
    for (const query of ['?state=lost', '?limit=501', '?after=x', '?subscription_id=1', '?client_id='])
      expect((await service.get(`/ops/api/deliveries${query}`)).status).toBe(400);
  });

  it.each(['', '/history', '/notifications'])(
    'knows no subscription by another id at /subscriptions/{id}%s',
    async (path) => {
      const unknown = [
        `${randomUUID()}.1`,
        first.subscription_id.replace(/1$/, '2'),
        first.subscription_id.slice(0, 36),
        'x',
      ];
      for (const id of [...unknown, `${first.subscription_id}0`, '%00', encodeURIComponent("' or 1=1--")]) {
        const { status, body } = await service.get<Problem>(`/ops/api/subscriptions/${id}${path}`);
        expect([id, status, body.code]).toEqual([id, 404, 'not_found']);
      }
    },
  );

  it('waits for a position, on every read of subscriptions, and says after 5 seconds that it has not come', async () => {
    const future = 'ffffffff-ffffffffffffffff-ffffffffffffffff';
    const one = `/ops/api/subscriptions/${first.subscription_id}`;
    const paths = ['/ops/api/subscriptions', one, `${one}/history`, `${one}/notifications`];
    const started = performance.now();
    const answers = await Promise.all(paths.map((path) => service.get<Problem>(`${path}?wait_for=${future}`)));
    const took = performance.now() - started;
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(paths.map(() => [504, 'projection_behind']));
    expect(took).toBeGreaterThan(4_500);
    expect(took).toBeLessThan(9_000);
    const present = await Promise.all(paths.map((path) => service.get(`${path}?wait_for=${first.position}`)));
    expect(present.map(({ status }) => status)).toEqual(paths.map(() => 200));
  });

  it('lets a reader see its own write at once', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { subscription_id: id, position } = await accepted(service);
      expect(await itemOf(service, id, position)).toMatchObject({ subscription_id: id, version: 1 });
    }
  });

  it('counts what there is, and says how far behind the readers of the log are', async () => {
    const { position } = await accepted(service);
    const stats = () => service.get<Stats>('/ops/api/stats');
    await service.get(`/ops/api/subscriptions?wait_for=${position}`);
    const expected = { active: 0, suspended: 0, terminated: 0, expired: 0 };
    for (let after = ''; ;) {
      const { items, next } = (await service.get<Page<Item>>(`/ops/api/subscriptions?limit=500${after}`)).body;
      for (const { status } of items) expected[status as keyof typeof expected] += 1;
      if (next === null) break;
      after = `&after=${next}`;
    }
    expect(expected.active).toBeGreaterThan(1);
    expect(expected.terminated).toBeGreaterThan(0);
    await eventually(async () => {
      const { status, body } = await stats();
      const caughtUp = { lag_events: 0, lag_s: 0 };
      expect([status, body.subscriptions, body.relay, body.projections, body.log_held_by]).toEqual([
        200,
        expected,
        caughtUp,
        { subscriptions: caughtUp },
        null,
      ]);
      const { pending, sending, parked, delivered, dead, dropped } = body.deliveries;
      expect(delivered).toBeGreaterThan(0);
      const [row] = await rowsOf<{ count: number }>(
        service,
        `select ((select count(*) from delivery) + (select count(*) from delivery_attempt where outcome <> 'retry'))::integer as count`,
      );
      expect(pending! + sending! + parked! + delivered! + dead! + dropped!).toBe(row!.count);
    });
  });

  it('answers nobody without a token for it', async () => {
    const reads = [
      '/ops/api/subscriptions',
      `/ops/api/subscriptions/${first.subscription_id}`,
      `/ops/api/subscriptions/${first.subscription_id}/history`,
      `/ops/api/subscriptions/${first.subscription_id}/notifications`,
      '/ops/api/deliveries',
      '/ops/api/dead-letters',
      '/ops/api/lists',
      '/ops/api/stats',
    ];
    for (const path of reads) {
      const bare = await service.send<Problem>('GET', path, {});
      expect([path, bare.status, bare.headers.get('www-authenticate')]).toEqual([path, 401, 'Bearer']);
      const bad = await service.send<Problem>('GET', path, { authorization: 'Bearer nonsense' });
      expect([bad.status, bad.headers.get('www-authenticate')]).toEqual([
        401,
        expect.stringContaining('invalid_token'),
      ]);
      for (const scope of ['authorizations:write', 'resource-changes:write', 'ops:write'] as const)
        expect([path, scope, (await service.get<Problem>(path, scope)).body.code]).toEqual([path, scope, 'forbidden']);
      expect([path, (await service.get(path)).status]).toEqual([path, 200]);
    }
    for (const write of [`/ops/api/deliveries/${randomUUID()}/retry`, `/ops/api/dead-letters/${randomUUID()}/replay`]) {
      expect((await service.send('POST', write, {})).status).toBe(401);
      for (const scope of ['authorizations:write', 'ops:read'] as const)
        expect((await service.post(write, undefined, scope)).status).toBe(403);
      expect((await service.post(write, undefined, 'ops:write')).status).toBe(404);
      expect((await service.post(write, { force: true }, 'ops:write')).status).toBe(400);
    }
  });
});
