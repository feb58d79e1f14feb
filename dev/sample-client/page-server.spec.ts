import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Authorizations } from './authorizations';
import { ClientApi } from './client-api';
import { createPageServer } from './page-server';
import { Received } from './received';
import { ServiceClient } from './service.client';
import { Visitors } from './visitors';

const publicUrl = 'http://localhost:3000';
const wish = { kind: 'start', provider: 'eenofanderezorgaanbieder', service_id: '42', days: 180 };
const json = { 'content-type': 'application/json' };

describe('the server of the sample client’s page', () => {
  let pageServer: Server;
  let service: Server;
  let url: string;
  let cookie: string;
  let visitors: Visitors;
  /** How the service answers the next requests, by method and path; everything else is an outage. */
  let answers: Record<string, [status: number, body: object, headers?: Record<string, string>]>;
  const asked: { path: string; headers: IncomingMessage['headers']; body: string }[] = [];

  beforeAll(async () => {
    service = await listening(createServer((request, response) => void play(request, response)));
    visitors = new Visitors();
    const serviceUrl = urlOf(service);
    const client = new ServiceClient({ serviceUrl, publicUrl, clientSecret: 'secret' });
    const authorizations = new Authorizations(client, publicUrl, 'http://localhost:3010/callback');
    const api = new ClientApi(authorizations, [], publicUrl);
    const issuer = (_request: IncomingMessage, response: ServerResponse) => void response.end('issuer');
    pageServer = await listening(createPageServer({ received: new Received(), visitors, authorizations, api, issuer }));
    url = urlOf(pageServer);
  });
  afterAll(() => [pageServer, service].forEach((server) => server.close().closeAllConnections()));
  beforeEach(async () => {
    asked.length = 0;
    answers = {
      'POST /oauth/token': [200, { access_token: randomUUID(), scope: 'subscribe~180/eenofanderezorgaanbieder~42' }],
      'POST /Subscription': [201, { subscription_id: 'a.1', end_date: '2027-01-31' }],
      'GET /Subscription/a.1': [200, { subscription_id: 'a.1', end_date: '2027-01-31', status: 'active' }],
    };
    const [given] = (await fetch(`${url}/`)).headers.getSetCookie();
    expect(given).toMatch(/; HttpOnly; SameSite=Strict$/);
    cookie = given!.split(';')[0]!;
  });

  async function play(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const piece of request) body += String(piece);
    asked.push({ path: `${request.method} ${request.url}`, headers: request.headers, body });
    const [status, answer, headers = {}] = answers[`${request.method} ${request.url}`] ?? [503, {}];
    response.writeHead(status, { ...json, ...headers }).end(JSON.stringify(answer));
  }

  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { cookie, origin: url, ...json, ...headers },
      body: JSON.stringify(body),
    });
  const read = async (path: string) =>
    (await (await fetch(`${url}${path}`, { headers: { cookie } })).json()) as Record<string, unknown>;

  /** Begins an authorization; gives its id and the parameters for the window. */
  async function begin() {
    const answer = await post('/api/authorizations', wish);
    expect(answer.status).toBe(201);
    const { id, address } = (await answer.json()) as { id: string; address: string };
    return { id, parameters: new URL(address).searchParams, address };
  }

  /** The window comes back with these parameters; gives where it is sent. */
  async function comeBack(parameters: Record<string, string> | [string, string][], as = cookie) {
    const query = new URLSearchParams(parameters);
    const answer = await fetch(`${url}/callback?${query}`, { headers: { cookie: as }, redirect: 'manual' });
    expect(answer.status).toBe(303);
    return answer.headers.get('location')!;
  }

  it('asks for what the person wants with everything that the authorization interface needs', async () => {
    const { address, parameters } = await begin();
    expect(address).toMatch(/^http:\/\/localhost:3000\/oauth\/authorize\?/);
    expect(Object.fromEntries(parameters)).toEqual({
      response_type: 'code',
      client_id: 'localhost',
      redirect_uri: 'http://localhost:3010/callback',
      scope: 'subscribe~180/eenofanderezorgaanbieder~42',
      state: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      'MedMij-Request-ID': expect.stringMatching(/^[0-9a-f-]{36}$/),
      'X-Correlation-ID': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  it('uses a code once, with the correlation id of the request, and keeps the token to itself', async () => {
    const { id, parameters } = await begin();
    const answer = { code: 'the-code', state: parameters.get('state')!, iss: publicUrl };
    expect(await comeBack(answer)).toBe(`/finished?authorization=${id}`);
    expect(await comeBack(answer)).toBe(`/finished?authorization=${id}`);
    expect(asked.map(({ path }) => path)).toEqual(['POST /oauth/token', 'POST /Subscription', 'GET /Subscription/a.1']);
    const [, token] = answers['POST /oauth/token'] as [number, { access_token: string }];
    expect(asked[1]!.headers.authorization).toBe(`Bearer ${token.access_token}`);
    for (const { headers } of asked) expect(headers['x-correlation-id']).toBe(parameters.get('X-Correlation-ID'));
    expect(new Set(asked.map(({ headers }) => headers['medmij-request-id'])).size).toBe(3);
    expect(await read(`/api/authorizations/${id}`)).toEqual({ at: 'done', subscription_id: 'a.1' });
    const overview = await read('/api/overview');
    expect(overview.subscriptions).toMatchObject([{ subscription_id: 'a.1', status: 'active' }]);
    expect(JSON.stringify(overview)).not.toContain(token.access_token);
  });

  it.each<[string, (answer: Record<string, string>) => Record<string, string> | [string, string][]]>([
    ['another state', (answer) => ({ ...answer, state: 'x'.repeat(43) })],
    ['no state', ({ code, iss }) => ({ code: code!, iss: iss! })],
    ['two states', (answer) => [...Object.entries(answer), ['state', answer.state!]]],
  ])('does nothing with an answer with %s', async (_, change) => {
    const { id, parameters } = await begin();
    expect(await comeBack(change({ code: 'c', state: parameters.get('state')!, iss: publicUrl }))).toBe('/finished');
    expect(asked).toEqual([]);
    expect(await read(`/api/authorizations/${id}`)).toEqual({ at: 'window' });
  });

  it('does nothing with an answer to what another browser asked', async () => {
    const { parameters } = await begin();
    const other = (await fetch(`${url}/`)).headers.getSetCookie()[0]!.split(';')[0]!;
    const answer = { code: 'c', state: parameters.get('state')!, iss: publicUrl };
    expect([await comeBack(answer, other), await comeBack(answer, '')]).toEqual(['/finished', '/finished']);
    expect(asked).toEqual([]);
  });

  it.each([
    ['of another issuer', { code: 'c', iss: 'http://localhost:4000' }],
    ['of nobody', { code: 'c' }],
    ['with a code and an error', { code: 'c', error: 'access_denied', iss: publicUrl }],
  ])('uses no answer %s', async (_, answer) => {
    const { id, parameters } = await begin();
    await comeBack({ ...(answer as Record<string, string>), state: parameters.get('state')! });
    expect(asked).toEqual([]);
    expect(await read(`/api/authorizations/${id}`)).toMatchObject({
      at: 'failed',
      failure: { code: 'foreign_answer', repeatable: false },
    });
  });

  it('uses no answer that comes after the person gave up', async () => {
    const { id, parameters } = await begin();
    await post(`/api/authorizations/${id}/give-up`, {});
    await comeBack({ code: 'c', state: parameters.get('state')!, iss: publicUrl });
    expect(asked).toEqual([]);
    expect(await read(`/api/authorizations/${id}`)).toEqual({ at: 'given_up' });
  });

  it('shows an error of the redirect, and links only to the service', async () => {
    for (const [uri, link] of [
      [`${publicUrl}/errors/access_denied`, `${publicUrl}/errors/access_denied`],
      ['https://elsewhere.example/', undefined],
      ['javascript:alert(1)', undefined],
    ]) {
      const { id, parameters } = await begin();
      await comeBack({ error: 'access_denied', error_uri: uri!, state: parameters.get('state')!, iss: publicUrl });
      const { failure } = (await read(`/api/authorizations/${id}`)) as { failure: Record<string, unknown> };
      expect([failure.code, failure.more_information, failure.repeatable]).toEqual(['access_denied', link, false]);
    }
  });

  it('sends what failed once more, from where it stopped', async () => {
    const good = answers['POST /Subscription']!;
    const uri = `${publicUrl}/errors/invalid_token`;
    const challenge = `Bearer error="invalid_token", error_description="No.", error_uri="${uri}"`;
    answers['POST /Subscription'] = [401, {}, { 'www-authenticate': challenge }];
    const { id, parameters } = await begin();
    await comeBack({ code: 'c', state: parameters.get('state')!, iss: publicUrl });
    const failure = { code: 'invalid_token', detail: 'No.', more_information: uri, repeatable: true };
    expect(await read(`/api/authorizations/${id}`)).toEqual({ at: 'failed', failure });
    delete answers['POST /Subscription'];
    const again = await post(`/api/authorizations/${id}/retry`, {});
    expect(await again.json()).toMatchObject({ failure: { code: 'status_503' } });
    answers['POST /Subscription'] = good;
    expect(await (await post(`/api/authorizations/${id}/retry`, {})).json()).toMatchObject({ at: 'done' });
    expect(asked.map(({ path }) => path).filter((path) => path === 'POST /oauth/token')).toHaveLength(1);
    expect(asked.filter(({ path }) => path === 'POST /Subscription')).toHaveLength(3);
  });

  it('takes orders from its own page only, as JSON, from a browser that it knows', async () => {
    const statusWith = async (headers: Record<string, string>) =>
      (await post('/api/authorizations', wish, headers)).status;
    expect(await statusWith({})).toBe(201);
    expect(await statusWith({ origin: 'http://localhost:3000' })).toBe(403);
    expect(await statusWith({ origin: 'null' })).toBe(403);
    expect(await statusWith({ origin: '' })).toBe(403);
    expect(await statusWith({ 'content-type': 'text/plain' })).toBe(403);
    expect(await statusWith({ cookie: '' })).toBe(401);
    expect(await statusWith({ cookie: `sample_client=${'x'.repeat(43)}` })).toBe(401);
    expect((await post('/api/authorizations', { ...wish, more: 'x'.repeat(5_000) })).status).toBe(413);
    expect((await post('/api/authorizations', { ...wish, days: 0 })).status).toBe(400);
    expect((await post('/api/authorizations', { ...wish, provider: 'a~1 openid' })).status).toBe(400);
    expect((await post('/api/subscriptions/a.1/check', {})).status).toBe(404);
  });

  it('forgets a browser that logs out', async () => {
    expect((await post('/api/log-out', {})).status).toBe(200);
    expect((await post('/api/authorizations', wish)).status).toBe(401);
  });

  it('gives out what belongs to the page and nothing else, under a strict policy', async () => {
    const statusOf = async (path: string) => (await fetch(`${url}${path}`)).status;
    for (const path of ['/', '/opening', '/finished', '/page.css', '/main.js']) expect(await statusOf(path)).toBe(200);
    for (const path of ['/index.html', '/other.js', '/..%2fmain.ts', '//', '/api/overview'])
      expect([path, await statusOf(path)]).toEqual([path, 404]);
    const { headers } = await fetch(`${url}/`);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
    expect(headers.get('content-security-policy')).not.toContain('unsafe');
    expect(headers.get('cross-origin-opener-policy')).toBeNull();
  });
});

async function listening(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return server;
}

const urlOf = (server: Server) => `http://localhost:${(server.address() as AddressInfo).port}`;
