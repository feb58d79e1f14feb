import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Scope } from '../../dev/tokens';
import { codeFor, consentTo, formText, tokenForm, tokenHeaders } from '../authorization/grant-walk';
import { authorizationRequest, queryOf } from '../authorization/stepwise-visitor';
import { binary } from '../journeys/records';
import { amsterdamDate, isReady, type Page, rowsOf, scopeOf, type Standing } from '../journeys/walk';
import { type Answer, authorizedRequest, somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { DescribedAnswers, type OpenApi } from '../support/open-api';

interface Call {
  /** What stands in the braces of the path. */
  of?: string;
  query?: Record<string, string>;
  body?: unknown;
  token?: string;
  headers?: Record<string, string>;
}

/** Answers that are described and cannot be had here in a moment; each is provoked in the test that is named. */
const provokedElsewhere: [RegExp, string][] = [
  [/ 503$/, 'test/contract/edge, test/contract/shutdown'],
  [/^POST \/ops\/api\/persons\/erase 504$/, 'test/journeys/erasure'],
  [/^POST \/ops\/api\/dead-letters\/\{id\}\/replay 409$/, 'test/journeys/dead-letters'],
];

/** An answer that goes on for ever cannot be compared whole; test/journeys/ops-session reads from it. */
const endless = 'GET /ops/api/stream';

/** A place in the log that no read model gets to. */
const later = (position: string) => position.replace(/^0/, '9');

describe('what the OpenAPI document says is what the service does:', () => {
  let service: TestService;
  let described: DescribedAnswers;
  /** Somebody with a subscription and the token for it. */
  const ownPerson = somePerson();
  let accessToken: string;
  let ownId: string;
  beforeAll(async () => {
    service = await TestService.start();
    await isReady(service);
    described = new DescribedAnswers((await service.send<OpenApi>('GET', '/api-docs-json', {})).body);
    accessToken = await newToken(180, ownPerson);
    ownId = (await answered<Standing>(201, 'POST /Subscription')).subscription_id;
  });
  afterAll(() => service.stop());

  const scopeFor = (operation: string): Scope => {
    if (operation.endsWith(' /authorizations')) return 'authorizations:write';
    if (operation.endsWith(' /resource-changes')) return 'resource-changes:write';
    return operation.startsWith('GET') ? 'ops:read' : 'ops:write';
  };
  const credentials = (operation: string) =>
    operation.includes(' /Subscription') ? accessToken : service.token(scopeFor(operation));

  /** Calls an operation; whatever it answers must be as it is described. */
  async function call<Body = Record<string, unknown>>(operation: string, given: Call = {}): Promise<Answer<Body>> {
    const [method, path] = operation.split(' ') as [string, string];
    const { of = '', query = {}, body, headers = {} } = given;
    const token = given.token ?? (await credentials(operation));
    const search = Object.keys(query).length > 0 ? `?${new URLSearchParams(query).toString()}` : '';
    const answer = await service.send<Body>(
      method,
      path.replace(/\{\w+\}/, of) + search,
      {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      typeof body === 'string' || body === undefined ? body : JSON.stringify(body),
    );
    expect([operation, answer.status, described.faults({ operation, query, body }, answer)]).toEqual([
      operation,
      answer.status,
      [],
    ]);
    return answer;
  }
  async function answered<Body = Record<string, unknown>>(status: number, operation: string, given: Call = {}) {
    const answer = await call<Body>(operation, given);
    expect([operation, answer.status, answer.text]).toEqual([operation, status, expect.any(String)]);
    return answer.body;
  }
  /** The first item of a list, once there is one. */
  const listed = <Item>(operation: string, of?: string, query: Record<string, string> = { limit: '1' }) =>
    eventually(async () => {
      const { items } = await answered<Page<Item>>(200, operation, { of, query });
      expect(items).toHaveLength(1);
      return items[0]!;
    });

  const request = (given: object = {}) => ({ ...authorizedRequest({}, service.world.clock.now()), ...given });
  const accepted = (given: object = {}) => answered<Standing>(201, 'POST /authorizations', { body: request(given) });

  async function newToken(grantedDays = 180, person = somePerson()): Promise<string> {
    const consent = consentTo(service, { grantedDays, person: { subject: person } });
    const form = formText(tokenForm(consent, await codeFor(service, consent)));
    const operation = 'POST /oauth/token';
    const answer = await service.send<{ access_token: string }>('POST', '/oauth/token', tokenHeaders(consent), form);
    expect([answer.status, described.faults({ operation }, answer)]).toEqual([200, []]);
    return answer.body.access_token;
  }

  it('platform and metadata', async () => {
    for (const operation of ['GET /health/live', 'GET /health/ready', 'GET /metrics'])
      await answered(200, operation, { token: '' });
    const metadata = 'GET /.well-known/oauth-authorization-server';
    await answered(200, metadata, { token: '' });
    await answered(400, metadata, { token: '', query: { x: '1' } });
  });

  it('authorized requests', async () => {
    const operation = 'POST /authorizations';
    const body = request();
    await answered(201, operation, { body });
    await answered(200, operation, { body });
    await answered(409, operation, { body: { ...body, scope: scopeOf(1) } });
    await answered(422, operation, { body: request({ client_id: 'nobody.example' }) });
  });

  it('changes at a source', async () => {
    const operation = 'POST /resource-changes';
    const { subject } = request();
    await accepted({ subject });
    const [provider, service_id] = ['eenofanderezorgaanbieder', '42'];
    const available_at = service.world.clock.now().toISOString();
    const body = { change_id: randomUUID(), subject, provider, service_id, available_at };
    await answered(202, operation, { body });
    await answered(409, operation, { body: { ...body, service_id: '43' } });
    await answered(422, operation, { body: { ...body, change_id: randomUUID(), provider: 'nobody' } });
  });

  it('codes and tokens', async () => {
    const operation = 'POST /oauth/token';
    const consent = consentTo(service);
    const code = await codeFor(service, consent);
    for (const [status, wrong] of [
      [400, { code: randomUUID() }],
      [401, { client_secret: 'wrong' }],
      [200, {}],
    ] as const) {
      const form = formText({ ...tokenForm(consent, code), ...wrong });
      const answer = await service.send('POST', '/oauth/token', tokenHeaders(consent), form);
      expect([answer.status, described.faults({ operation }, answer)]).toEqual([status, []]);
    }
  });

  it('the Subscription interface', async () => {
    const one = '/Subscription/{id}';
    const token = await newToken(30);
    const inDays = (days: number) => ({ end_date: amsterdamDate(service.world.clock.now(), days) });
    const { subscription_id: id } = await answered<Standing>(201, 'POST /Subscription', { token, body: inDays(20) });
    await answered(200, 'POST /Subscription', { token });
    await answered(422, 'POST /Subscription', { token: await newToken(30), body: inDays(31) });
    const ending = await newToken(0, ownPerson);
    await answered(403, 'POST /Subscription', { token: ending });
    for (const method of ['PATCH', 'PUT'])
      await answered(403, `${method} ${one}`, { of: ownId, token: ending, body: inDays(1) });
    await answered(200, `GET ${one}`, { of: id, token });
    for (const method of ['PATCH', 'PUT']) {
      await answered(200, `${method} ${one}`, { of: id, token, body: inDays(10) });
      await answered(422, `${method} ${one}`, { of: id, token, body: inDays(31) });
    }
    await answered(204, `DELETE ${one}`, { of: id, token });
  });

  it('subscriptions, as operators see and change them', async () => {
    const { subscription_id: of, position } = await accepted();
    const all = '/ops/api/subscriptions';
    const query = { wait_for: position };
    await answered(200, `GET ${all}/{id}`, { of, query });
    await answered(200, `GET ${all}`, { query: { ...query, limit: '2', client_id: 'localhost', status: 'active' } });
    const at = service.world.clock.now().toISOString();
    await answered(200, `GET ${all}/as-of`, { query: { at, limit: '2' } });
    await answered(200, `GET ${all}/{id}/history`, { of, query });
    await listed(`GET ${all}/{id}/notifications`, of);
    const body = { reason_text: 'a complaint', by: 'provider' };
    for (const verb of ['suspend', 'resume', 'terminate'])
      await answered(200, `POST ${all}/{id}/${verb}`, { of, body });
    for (const verb of ['suspend', 'resume', 'terminate'])
      await answered(422, `POST ${all}/{id}/${verb}`, { of, body });
    await Promise.all(
      ['', '/{id}', '/{id}/history', '/{id}/notifications'].map((path) =>
        answered(504, `GET ${all}${path}`, { of, query: { wait_for: later(position) } }),
      ),
    );
    await answered(504, `GET ${all}/as-of`, { query: { at, wait_for: later(position) } });
  });

  it('deliveries, and their second chance', async () => {
    const { dvp } = service.world;
    dvp.answerWith(404);
    const { subscription_id: id } = await accepted();
    const dead = await eventually(async () => {
      const { items } = await answered<Page<{ delivery_id: string; subscription_id: string }>>(
        200,
        'GET /ops/api/deliveries',
        { query: { state: 'dead', client_id: 'localhost' } },
      );
      const dead = items.find(({ subscription_id }) => subscription_id === id);
      expect(dead).toBeDefined();
      return dead!;
    });
    await listed('GET /ops/api/deliveries/{id}/attempts', dead.delivery_id);
    await listed('GET /ops/api/endpoints');
    const report = await listed<{ planned: number }>('GET /ops/api/deliveries/report');
    expect(report.planned).toBeGreaterThan(0);
    dvp.answer();
    const body = { since: '2020-01-01T00:00:00Z', dry_run: true, reason_text: 'an outage' };
    await answered(202, 'POST /ops/api/deliveries/replay', { body });
    const operation = 'POST /ops/api/deliveries/{id}/retry';
    await answered(202, operation, { of: dead.delivery_id });
    await eventually(() => expect(dvp.of(id).length).toBeGreaterThan(1));
    await answered(409, operation, { of: dead.delivery_id });
  });

  it('clients, suspended and resumed', async () => {
    const { dvp } = service.world;
    const one = '/ops/api/clients/{id}';
    const [of, body] = ['localhost', { reason_text: 'they asked for it' }];
    await answered(200, 'GET /ops/api/clients', { query: { limit: '2' } });
    await answered(200, `POST ${one}/suspend`, { of, body });
    await answered(200, `GET ${one}`, { of });
    await dvp.stop();
    await answered(409, `POST ${one}/resume`, { of, body });
    await dvp.start();
    await eventually(() => answered(200, `POST ${one}/resume`, { of, body }));
  });

  it('dead letters and parked streams', async () => {
    await service.world.otherSide.send('medmij.authorizations.v1', binary(request({ client_id: 'nobody.example' })));
    const letter = await listed<{ dead_letter_id: string }>('GET /ops/api/dead-letters');
    await answered(202, 'POST /ops/api/dead-letters/{id}/replay', { of: letter.dead_letter_id });
    const { subscription_id: id, position } = await accepted();
    await rowsOf(
      service,
      `insert into parked_stream (log, reader, stream_id, version, position, error)
       select name, 'nobody', $1, 1, $2, 'a test' from log`,
      [id.split('.')[0], position],
    );
    const parked = await listed<{ id: string }>('GET /ops/api/parked');
    await answered(202, 'POST /ops/api/parked/{id}/replay', { of: parked.id });
  });

  it('the audit trail, and a person who is forgotten', async () => {
    const { subject } = request();
    const { subscription_id: of, position } = await accepted({ subject });
    await answered(200, 'GET /ops/api/subscriptions/{id}', { of, query: { wait_for: position } });
    await answered(200, 'POST /ops/api/persons/erase', { body: { subject, reason_text: 'asked for it' } });
    await listed('GET /ops/api/audit');
  });

  it('lists, figures and projections', async () => {
    for (const name of ['lists', 'stats', 'projections']) await answered(200, `GET /ops/api/${name}`);
    await service.send('GET', `/oauth/authorize?${queryOf(authorizationRequest())}`, {});
    await listed('GET /ops/api/interactions');
    await answered(200, 'POST /ops/api/relay/verify');
    const of = 'subscriptions';
    const one = 'POST /ops/api/projections/{name}';
    await answered(200, `${one}/verify`, { of });
    await answered(202, `${one}/rebuild`, { of });
    await eventually(() => answered(202, `${one}/switch-back`, { of }));
  });

  /** What every operation refuses in the same way, of those that say so. */
  const refusals: [status: number, provoke: (operation: string) => Call][] = [
    [400, (operation) => ({ of: known(operation), query: { nobody_takes: 'this' } })],
    [401, () => ({ token: '' })],
    [403, () => ({ token: 'of another scope' })],
    [404, () => ({})],
    [413, () => ({ body: JSON.stringify({ reason_text: 'x'.repeat(70_000) }) })],
    [415, () => ({ headers: { 'content-type': 'text/plain' } })],
  ];
  const known = (operation: string) => (operation.includes(' /Subscription') ? ownId : randomUUID());
  /** A body that would be taken, so that it is not for the body that a request is refused. */
  const bodyFor = (operation: string) => {
    if (operation.endsWith(' /authorizations')) return request();
    if (operation.includes('/Subscription')) return { end_date: amsterdamDate(service.world.clock.now(), 1) };
    if (operation.endsWith('/persons/erase')) return { person_id: randomUUID() };
    const since = operation.endsWith('/deliveries/replay') && { since: '2020-01-01T00:00:00Z' };
    return { reason_text: 'none', ...since };
  };
  it.each(refusals)('refusals with %i', async (status, provoke) => {
    for (const [operation, { responses, requestBody }] of described.done()) {
      const isScoped = !/ \/(Subscription|oauth|\.well-known)/.test(operation);
      if (!responses[status] || / \/(oauth|\.well-known)/.test(operation) || (status === 403 && !isScoped)) continue;
      const { token, ...given } = provoke(operation);
      const other = scopeFor(operation) === 'ops:read' ? 'ops:write' : 'ops:read';
      await answered(status, operation, {
        of: randomUUID(),
        ...(requestBody && { body: bodyFor(operation) }),
        ...given,
        ...(token !== undefined && { token: token && (await service.token(other)) }),
      });
    }
  });

  it('refusals of what would go on for ever', async () => {
    await answered(401, endless, { token: '' });
    await answered(403, endless, { token: await service.token('ops:write') });
    await answered(400, endless, { query: { nobody_takes: 'this' } });
  });

  it('nothing that it says has gone unseen', () => {
    const done = described.done().map(([operation]) => operation);
    expect([...described.operations.keys()].filter((operation) => !done.includes(operation))).toEqual([endless]);
    expect(done.length).toBeGreaterThan(38);
    const isElsewhere = (answer: string) => provokedElsewhere.some(([which]) => which.test(answer));
    expect(described.unseen().filter((answer) => !isElsewhere(answer))).toEqual([]);
  });

  it('and what it does not say would be found', () => {
    const operation = 'GET /health/live';
    const answer = (given: Partial<Answer<unknown>>) => ({
      status: 200,
      headers: new Headers({ 'content-type': 'application/json' }),
      body: { status: 'ok' },
      text: '',
      ...given,
    });
    const faults = (given: Partial<Answer<unknown>>, made = { operation }) => described.faults(made, answer(given));
    expect(faults({})).toEqual([]);
    for (const given of [
      { body: { status: 'fine' } },
      { body: { status: 'ok', since: 1 } },
      { status: 201 },
      { headers: new Headers({ 'content-type': 'text/plain' }) },
    ])
      expect(faults(given)).toHaveLength(1);
    expect(faults({}, { operation: 'GET /health' })).toHaveLength(1);
    expect(described.faults({ operation, query: { x: '1' } }, answer({}))).toHaveLength(1);
    expect(described.faults({ operation, body: {} }, answer({}))).toHaveLength(1);
  });
});
