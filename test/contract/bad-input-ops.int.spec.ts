import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RefusalCode } from '../../src/refusals';
import { authorizedRequest, somePerson, TestService } from '../support/app';
import { expectProblem, expectQuietLog, publicUrl, recorded } from './attack';

const cursor = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');
const moment = '2026-01-01 10:00:00.123456+00';

describe('bad input at the operators’ door', () => {
  const subjects = [somePerson(), somePerson()];
  const [subject] = subjects;
  let service: TestService;
  let reading: Record<string, string>;
  let writing: Record<string, string>;
  let subscriptionId: string;
  let before: Awaited<ReturnType<typeof recorded>>;

  beforeAll(async () => {
    service = await TestService.start({ PUBLIC_URL: publicUrl });
    reading = { authorization: `Bearer ${await service.token('ops:read')}` };
    writing = { authorization: `Bearer ${await service.token('ops:write')}` };
    const answers = [];
    for (const person of subjects)
      answers.push(await service.post('/authorizations', authorizedRequest({ subject: person })));
    subscriptionId = String(answers[0]!.body.subscription_id);
    const position = String(answers[1]!.body.position);
    const waited = await service.get(`/ops/api/subscriptions/${subscriptionId}?wait_for=${position}`);
    expect(waited.status).toBe(200);
    before = { ...(await recorded(service.world)) };
  });
  afterAll(() => service.stop());

  const refuseGet = async (path: string, code: RefusalCode) =>
    expectProblem(await service.send('GET', path, reading), code, { subject });
  const get = (path: string) => service.send<{ items: unknown[]; next: string | null }>('GET', path, reading);

  const noIds: [string, string][] = [
    ['a NUL', '%00'],
    ['a NUL at the end of an id', `${randomUUID()}.1%00`],
    ['a quote', "%27%20or%20'1'='1"],
    ['a statement', '1;drop%20table%20event;--'],
    ['300 characters', 'a'.repeat(300)],
    ['301 characters', 'a'.repeat(301)],
    ['10 kB', 'a'.repeat(10_000)],
    ['a path', '..%2F..%2F..%2Fetc%2Fpasswd'],
    ['a backslash', '%5C..%5C'],
    ['invalid UTF-8 that decodes to nothing', '%F0%9F%92%A9'],
    ['a version that overflows', `${randomUUID()}.9999999999`],
    ['version 0', `${randomUUID()}.0`],
    ['no version', randomUUID()],
    ['capitals', `${randomUUID().toUpperCase()}.1`],
    ['a space', `${randomUUID()}.1%20`],
    ['nobody’s id', `${randomUUID()}.1`],
    ['__proto__', '__proto__'],
    ['a wildcard', '%25'],
    ['a person', subject!],
  ];
  it.each(noIds)('%s is no subscription', async (_what, id) => {
    await refuseGet(`/ops/api/subscriptions/${id}`, 'not_found');
    await refuseGet(`/ops/api/subscriptions/${id}/history`, 'not_found');
    await refuseGet(`/ops/api/subscriptions/${id}/notifications`, 'not_found');
  });
  it.each(noIds)('%s is no delivery and no dead letter', async (_what, id) => {
    await refuseGet(`/ops/api/deliveries/${id}/attempts`, 'not_found');
    for (const path of [`/ops/api/deliveries/${id}/retry`, `/ops/api/dead-letters/${id}/replay`])
      expectProblem(await service.send('POST', path, writing), 'not_found', { subject });
  });
  it.each(noIds)('%s is no parked stream', async (_what, id) => {
    const answer = await service.send('POST', `/ops/api/parked/${id}/replay`, writing);
    expectProblem(answer, 'not_found', { subject });
  });

  it.each(['%', '%zz', '%c3%28', '%ff', '%ed%a0%80'])('a path with %s cannot be read', async (part) => {
    const answer = await service.send('GET', `/ops/api/subscriptions/${part}${subject}`, {
      ...reading,
      'medmij-request-id': 'bad-path',
    });
    expectProblem(answer, 'malformed_request', { subject });
    expect(answer.headers.get('medmij-request-id')).toBe('bad-path');
  });

  const lists = [
    '/ops/api/subscriptions',
    '/ops/api/deliveries',
    '/ops/api/dead-letters',
    '/ops/api/parked',
    '/ops/api/interactions',
  ];
  describe.each([...lists, 'history', 'notifications'])('the list %s', (place) => {
    const path = () => (place.startsWith('/') ? place : `/ops/api/subscriptions/${subscriptionId}/${place}`);

    it.each([
      'limit=0',
      'limit=-1',
      'limit=501',
      'limit=1000000000000',
      'limit=1e400',
      'limit=1.5',
      'limit=',
      'limit=ten',
      'limit=NaN',
      'limit=%00',
      'limit=1&limit=2',
      'limit[]=1',
      'limit=1;select%201',
      'after=',
      'after=garbage',
      'after=%00',
      'after=%27%20or%201=1',
      `after=${'a'.repeat(301)}`,
      `after=${'a'.repeat(10_000)}`,
      `after=${cursor()}`,
      `after=${cursor('', '')}`,
      `after=${cursor(null, null)}`,
      `after=${cursor(1, 2)}`,
      `after=${cursor("'; drop table event; --", "' or '1'='1")}`,
      `after=${cursor(moment, "' or '1'='1")}`,
      `after=${cursor('9999-99-99 99:99:99+99', `${randomUUID()}.1`)}`,
      `after=${cursor('2026-02-30 10:00:00+00', `${randomUUID()}.1`)}`,
      `after=${cursor('0000-01-01 10:00:00+00', `${randomUUID()}.1`)}`,
      `after=${cursor('999999-01-01 10:00:00+00', `${randomUUID()}.1`)}`,
      `after=${cursor('9999-99-99 99:99:99+99', randomUUID())}`,
      `after=${cursor('2026-01-01 10:00:00+16', randomUUID())}`,
      `after=${cursor('2026-01-01 24:00:00+00:99', randomUUID())}`,
      `after=${cursor('infinity', randomUUID())}`,
      `after=${cursor('now', randomUUID())}`,
      `after=${cursor('9999999999')}`,
      `after=${cursor('-1')}`,
      `after=${cursor({ version: 1 })}`,
      `after=${Buffer.from('{"__proto__":1}').toString('base64url')}`,
      `after=${cursor(moment, `${randomUUID()}.1`, 'more')}`,
      'x=1',
      'Limit=1',
      '__proto__=1',
      'constructor=1',
      'toString=1',
      '%00=1',
      `access_token=${'a'.repeat(20)}`,
    ])('refuses ?%s', async (query) => {
      await refuseGet(`${path()}?${query}`, 'malformed_request');
    });

    it('refuses a person as a parameter without repeating it', async () => {
      const { errors } = await refuseGet(`${path()}?${encodeURIComponent(subject!)}=${subject}`, 'malformed_request');
      expect(errors).toEqual([{ path: '(unnamable)', message: 'Unknown field.' }]);
    });

    it('takes its own cursor and no other list’s', async () => {
      const subscriptions = cursor(moment, `${randomUUID()}.1`);
      const deliveries = cursor(moment, randomUUID());
      const history = cursor('1');
      const own = { '/ops/api/subscriptions': subscriptions, history }[place] ?? deliveries;
      expect((await get(`${path()}?after=${own}`)).status).toBe(200);
      for (const other of [subscriptions, deliveries, history].filter((one) => one !== own)) {
        await refuseGet(`${path()}?after=${other}`, 'malformed_request');
      }
    });
  });

  it.each([
    'wait_for=',
    'wait_for=0',
    'wait_for=latest',
    'wait_for=%00',
    `wait_for=${'f'.repeat(42)}`,
    'wait_for=00000001-0000000000000001-000000000000000%27',
    'wait_for=00000001-0000000000000001-0000000000000001&wait_for=00000001-0000000000000001-0000000000000001',
    'wait_for=00000001-0000000000000001-0000000000000001%0A',
    `wait_for=${'a'.repeat(10_000)}`,
  ])('refuses ?%s on every read', async (query) => {
    for (const path of ['', `/${subscriptionId}`, `/${subscriptionId}/history`, `/${subscriptionId}/notifications`]) {
      await refuseGet(`/ops/api/subscriptions${path}?${query}`, 'malformed_request');
    }
  });

  it('answers 504 for a position that does not come, and says nothing else', async () => {
    const far = 'ffffffff-ffffffffffffffff-ffffffffffffffff';
    await refuseGet(`/ops/api/subscriptions/${subscriptionId}?wait_for=${far}`, 'projection_behind');
  });

  it.each([
    'status=ACTIVE',
    'status=',
    'status=active&status=expired',
    'status=active%27--',
    'person_id=1',
    `person_id=${randomUUID()}x`,
    'person_id=%27',
    'client_id=',
    'client_id=a&client_id=b',
    'client_id=%00',
    `client_id=${'a'.repeat(256)}`,
    'client_id=a%0Ab',
    'provider=%00',
    'service_id=%00',
    'stream_id=x',
    'at=2026-01-01T00:00:00Z',
  ])('refuses the filter ?%s', async (query) => {
    await refuseGet(`/ops/api/subscriptions?${query}`, 'malformed_request');
  });
  it.each([
    'state=DEAD',
    'state=',
    'state=dead&state=dead',
    'client_id=%00',
    'client_id=',
    'subscription_id=x',
    'wait_for=x',
  ])('refuses the filter of deliveries ?%s', async (query) => {
    await refuseGet(`/ops/api/deliveries?${query}`, 'malformed_request');
  });
  it.each([
    'client_id=%27%20or%201=1--',
    'client_id=%25',
    'client_id=%5C',
    'provider=_',
    'service_id=%F0%9F%92%A9',
    'client_id=%ff',
  ])('finds nothing under ?%s', async (query) => {
    const answer = await get(`/ops/api/subscriptions?${query}`);
    expect([answer.status, answer.body]).toEqual([200, { items: [], next: null }]);
  });

  it('takes every filter at once, whatever was asked before on the same connection', async () => {
    const person = String(
      (await get(`/ops/api/subscriptions?limit=1`)).body.items.map(
        (item) => (item as { person_id: string }).person_id,
      )[0],
    );
    const all = `client_id=localhost&provider=eenofanderezorgaanbieder&service_id=42&person_id=${person}`;
    for (let round = 0; round < 2; round += 1) {
      for (const status of ['active', 'suspended', 'terminated', 'expired']) {
        for (const after of ['', `&after=${cursor('9999-01-01 10:00:00+00', `${randomUUID()}.1`)}`]) {
          const answer = await get(`/ops/api/subscriptions?${all}&status=${status}${after}`);
          expect([status, after, answer.status, answer.body.items?.length]).toEqual([
            status,
            after,
            200,
            status === 'active' ? 1 : 0,
          ]);
        }
      }
    }
  });

  it.each(['x=1', 'limit=1', '__proto__=1', 'wait_for=00000001-0000000000000001-0000000000000001'])(
    'refuses ?%s of the figures',
    async (query) => {
      await refuseGet(`/ops/api/stats?${query}`, 'malformed_request');
    },
  );

  it('refuses a body where none belongs', async () => {
    const paths = ['deliveries/:id/retry', 'dead-letters/:id/replay', 'parked/:id/replay'];
    const json = { ...writing, 'content-type': 'application/json' };
    for (const path of paths.map((one) => `/ops/api/${one.replace(':id', randomUUID())}`)) {
      for (const body of ['{"reason_text":"x"}', '[]', '"x"', '{"__proto__":1}', '{']) {
        expectProblem(await service.send('POST', path, json, body), 'malformed_request', { subject });
      }
      expectProblem(
        await service.send('POST', path, { ...writing, 'content-type': 'text/plain' }, 'x'),
        'unsupported_media_type',
      );
      expectProblem(await service.send('POST', `${path}?force=true`, writing), 'malformed_request');
    }
  });

  it('is refused for every read while nothing changes, and no line of the log names a person', async () => {
    expect({ ...(await recorded(service.world)), delivery: 0 }).toEqual({ ...before, delivery: 0 });
    expect(before).toMatchObject({ event: 2, stream: 2, command: 2, person: 2 });
    expectQuietLog(service.world, ...subjects);
  });
});
