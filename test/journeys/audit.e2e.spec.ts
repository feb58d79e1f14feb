import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tokenFor } from '../authorization/grant-walk';
import { TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { accepted, ask, isReady, type Page, type Problem, type Standing } from './walk';

interface Line {
  id: string;
  at: string;
  source: string;
  who: string | null;
  what: string;
  outcome: string;
  request_id: string | null;
  correlation_id: string | null;
  subscription_id: string | null;
  client_id: string | null;
  reason_text: string | null;
  details: Record<string, unknown> | null;
}

describe('the audit trail', () => {
  let service: TestService;
  const conversation = randomUUID();
  const requests = [randomUUID(), randomUUID(), randomUUID()];
  let standing: Standing;

  beforeAll(async () => {
    service = await TestService.start();
    await isReady(service);
    const subject = `9999${randomUUID()}`;
    const asked = (scope: string | undefined, requestId: string) =>
      ask(service, { subject, ...(scope && { scope }) }, headers(requestId));
    const [first, second, refused] = [
      await asked(undefined, requests[0]!),
      await asked('subscribe~90/eenofanderezorgaanbieder~42', requests[1]!),
      await asked('subscribe~9000/eenofanderezorgaanbieder~42', requests[2]!),
    ];
    expect([first.status, second.status, refused.status]).toEqual([201, 201, 422]);
    standing = first.body;
  });
  afterAll(() => service.stop());

  const headers = (requestId: string) => ({ 'medmij-request-id': requestId, 'x-correlation-id': conversation });
  const audit = async (query: string) => {
    const { status, body } = await service.get<Page<Line> & Problem>(`/ops/api/audit${query}`);
    expect([status, body.code]).toEqual([200, undefined]);
    return body;
  };
  const order = (path: string, body: unknown, scope: 'ops:read' | 'ops:write' = 'ops:write') => {
    const requestId = randomUUID();
    return service
      .post<Problem>(`/ops/api${path}`, body, scope, { 'medmij-request-id': requestId })
      .then(({ status }) => ({ status, requestId }));
  };
  const lineOf = async (requestId: string) => {
    const { items } = await audit(`?request_id=${requestId}`);
    return items.filter(({ source }) => source === 'operation');
  };

  it('tells a whole conversation: what was asked, what came of it, and who was told', async () => {
    const lines = await eventually(async () => {
      const { items } = await audit(`?correlation_id=${conversation}`);
      expect(items.filter(({ source }) => source === 'notification')).toHaveLength(2);
      expect(items).toHaveLength(5);
      return items;
    });
    expect(lines.filter(({ source }) => source === 'event').map(({ what, request_id: id }) => [what, id])).toEqual([
      ['nl.medmij.subscription.adjusted.v1', requests[1]],
      ['nl.medmij.subscription.started.v1', requests[0]],
    ]);
    expect(lines.find(({ source }) => source === 'operation')).toMatchObject({
      what: 'POST /authorizations',
      outcome: 'duration_above_maximum',
      who: 'developer',
      request_id: requests[2],
      details: { status: 422 },
    });
    for (const line of lines.filter(({ source }) => source !== 'operation'))
      expect(line).toMatchObject({ subscription_id: standing.subscription_id, client_id: 'localhost' });
    const moments = lines.map(({ at }) => at);
    expect(moments).toEqual([...moments].sort().reverse());
  });

  it('knows a notification by the request id that the client was sent', async () => {
    const received = await eventually(() => {
      const [first] = service.world.dvp.of(standing.subscription_id);
      expect(first).toBeDefined();
      return first!;
    });
    const requestId = String(received.headers['medmij-request-id']);
    const [line, ...others] = await eventually(async () => {
      const { items } = await audit(`?request_id=${requestId}`);
      expect(items).not.toEqual([]);
      return items;
    });
    expect(others).toEqual([]);
    expect(line).toMatchObject({
      source: 'notification',
      what: 'notification.try',
      outcome: 'delivered',
      request_id: requestId,
      correlation_id: conversation,
      details: { attempt: 1, status: 204, delivery_id: expect.any(String) },
    });
    expect((await audit(`?request_id=${requestId}&correlation_id=${randomUUID()}`)).items).toEqual([]);
  });

  it('can be asked for one request of a conversation', async () => {
    const { items } = await audit(`?request_id=${requests[0]}&correlation_id=${conversation}`);
    expect(items.map(({ what }) => what)).toEqual(['nl.medmij.subscription.started.v1']);
    expect((await audit(`?request_id=${randomUUID()}`)).items).toEqual([]);
  });

  it('follows a client through the Subscription interface', async () => {
    const correlationId = randomUUID();
    const token = await tokenFor(service, { correlationId });
    const send = (method: string, path: string, body?: object) =>
      service.send<Standing & Problem>(
        method,
        path,
        {
          authorization: `Bearer ${token}`,
          'x-correlation-id': correlationId,
          ...(body && { 'content-type': 'application/json' }),
        },
        body && JSON.stringify(body),
      );
    const { status, body } = await send('POST', '/Subscription');
    const path = `/Subscription/${body.subscription_id}`;
    const statuses = [
      status,
      (await send('GET', path)).status,
      (await send('PATCH', path, { end_date: 'soon' })).status,
    ];
    expect(statuses).toEqual([201, 200, 400]);
    const seen = await eventually(async () => {
      const { items } = await audit(`?correlation_id=${correlationId}`);
      const steps = items.filter(({ source }) => source !== 'notification');
      expect(steps).toHaveLength(4);
      return steps.map(({ who, what, outcome, subscription_id: id }) => [who, what, outcome, id]);
    });
    const id = body.subscription_id;
    expect(new Set(seen.map(String))).toEqual(
      new Set(
        [
          ['localhost', 'POST /oauth/token', 'done', null],
          [null, 'nl.medmij.subscription.started.v1', 'done', id],
          ['localhost', 'GET /Subscription/:id', 'done', id],
          ['localhost', 'PATCH /Subscription/:id', 'malformed_request', id],
        ].map(String),
      ),
    );
  });

  it('goes on page by page without leaving a line out or saying one twice', async () => {
    const all = (await audit(`?correlation_id=${conversation}`)).items;
    for (const limit of [1, 2]) {
      const seen: Line[] = [];
      for (let next: string | null = ''; next !== null;) {
        const page = await audit(`?correlation_id=${conversation}&limit=${limit}${next && `&after=${next}`}`);
        expect(page.items.length).toBeLessThanOrEqual(limit);
        seen.push(...page.items);
        next = page.next;
      }
      expect(seen).toEqual(all);
    }
  });

  it('says of every write of an operator who, what, why and what became of it', async () => {
    const path = `/subscriptions/${standing.subscription_id}`;
    const why = { reason_text: 'asked for by telephone' };
    for (const [verb, outcome] of [
      ['suspend', 'done'],
      ['suspend', 'already_so'],
      ['resume', 'done'],
    ]) {
      const { status, requestId } = await order(`${path}/${verb}`, why);
      expect(status).toBe(200);
      expect(await lineOf(requestId)).toEqual([
        expect.objectContaining({
          who: 'developer',
          what: `subscription.${verb}`,
          outcome,
          subscription_id: standing.subscription_id,
          correlation_id: expect.any(String),
          ...why,
          details: { by: 'operator' },
        }),
      ]);
    }
  });

  const nothing = randomUUID();
  it.each([
    [`/deliveries/${nothing}/retry`, undefined, 404, 'delivery.retry', 'not_found'],
    ['/deliveries/replay', { since: '2026-01-01T00:00:00Z' }, 400, 'delivery.replay', 'malformed_request'],
    [`/dead-letters/${nothing}/replay`, undefined, 404, 'dead_letter.replay', 'not_found'],
    [`/parked/${nothing}/replay`, undefined, 404, 'parked.replay', 'not_found'],
    ['/projections/none/rebuild', undefined, 404, 'projection.rebuild', 'not_found'],
    ['/projections/subscriptions/switch-back', undefined, 404, 'projection.switch_back', 'not_found'],
    ['/projections/subscriptions/verify', undefined, 200, 'projection.verify', 'done'],
    ['/clients/unknown.example/suspend', { reason_text: 'why' }, 404, 'client.suspend', 'not_found'],
    [`/subscriptions/${nothing}.1/terminate`, { reason_text: 'why' }, 404, 'subscription.terminate', 'not_found'],
  ])('also of one that is refused or changes nothing: %s', async (path, body, status, what, outcome) => {
    const written = await order(path, body);
    expect(written.status).toBe(status);
    expect(await lineOf(written.requestId)).toEqual([expect.objectContaining({ who: 'developer', what, outcome })]);
  });

  it('has a line of whoever may read only and tries to write, and none of a stranger', async () => {
    const reader = await order('/projections/subscriptions/rebuild', undefined, 'ops:read');
    expect(reader.status).toBe(403);
    expect(await lineOf(reader.requestId)).toEqual([
      expect.objectContaining({ who: 'developer', what: 'projection.rebuild', outcome: 'forbidden' }),
    ]);
    const requestId = randomUUID();
    const stranger = await service.send('POST', '/ops/api/projections/subscriptions/rebuild', {
      'medmij-request-id': requestId,
    });
    expect(stranger.status).toBe(401);
    expect((await audit(`?request_id=${requestId}`)).items).toEqual([]);
  });

  it('without an id lists what operators did, and not what a machine asked for', async () => {
    const { items } = await audit('?limit=500');
    expect(items.length).toBeGreaterThanOrEqual(3);
    expect(items.every(({ what }) => !what.startsWith('POST'))).toBe(true);
  });

  it('names every write there is below /ops/api', async () => {
    const { body } = await service.send<{ paths: Record<string, Record<string, unknown>> }>(
      'GET',
      '/api-docs-json',
      {},
    );
    const writes = Object.entries(body.paths).filter(
      ([path, methods]) => path.startsWith('/ops/api') && Object.keys(methods).some((method) => method !== 'get'),
    );
    expect(writes.length).toBeGreaterThanOrEqual(12);
    for (const [path] of writes) {
      const requestId = randomUUID();
      const filled = path.replace('/ops/api', '').replaceAll(/\{[a-z]+\}/g, nothing);
      // Refused by its scope before anything is looked at.
      expect(
        (await service.post(`/ops/api${filled}`, undefined, 'ops:read', { 'medmij-request-id': requestId })).status,
      ).toBe(403);
      expect(await lineOf(requestId)).toEqual([expect.objectContaining({ outcome: 'forbidden' })]);
    }
  });

  it.each([
    '?limit=0',
    '?request_id=',
    '?request_id=a%20b',
    '?request_id=%00',
    '?colour=green',
    '?after=nonsense',
    `?after=${Buffer.from('["1","operation","\u0000"]').toString('base64url')}`,
    `?after=${Buffer.from('["1","weather","1"]').toString('base64url')}`,
  ])('refuses %s', async (query) => {
    const { status, body } = await service.get<Problem>(`/ops/api/audit${query}`);
    expect([status, body.code]).toEqual([400, 'malformed_request']);
  });

  it('takes any id there can be without an error', async () => {
    for (const text of ["x'--", '%7E', '%25', randomUUID().toUpperCase(), 'a'.repeat(128)])
      expect((await audit(`?request_id=${text}`)).items).toEqual([]);
    const place = Buffer.from('["9999999999999999","event","x"]').toString('base64url');
    expect((await audit(`?correlation_id=${conversation}&after=${place}`)).items).toHaveLength(5);
  });

  it('is still there after a restart, for a step is stored before the process is gone', async () => {
    const requestId = randomUUID();
    expect((await ask(service, { client_id: 'nobody.example' }, headers(requestId))).status).toBe(422);
    await service.restart();
    const { items } = await audit(`?request_id=${requestId}`);
    expect(items).toEqual([expect.objectContaining({ what: 'POST /authorizations', outcome: 'unknown_client' })]);
    await accepted(service);
  });
});
