import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { PersonKey } from '../../src/persons/person-key';
import { PersonalSeal } from '../../src/persons';
import { createHttpEdge } from '../../src/http';
import { createLogger, Database } from '../../src/platform';
import { BrowserCookies, FormTokens } from '../../src/screens';
import { type Purpose, SignIns } from '../../src/sign-in';
import { Issuer } from '../../src/sign-in/issuer';
import { SignInController } from '../../src/sign-in/sign-in.controller';
import { SignInStore } from '../../src/sign-in/sign-in.store';
import { somePerson } from '../support/app';
import { TestClock } from '../support/clock';
import { createDatabase, type TestDatabase } from '../support/database';
import { TestIssuer } from '../support/issuer';
import { Visitor } from '../support/visitor';

const minutes = (count: number) => count * 60_000;

describe('signing in', () => {
  const issuer = new TestIssuer();
  const clock = new TestClock();
  const secret = randomBytes(32);
  const logLines: string[] = [];
  let testDatabase: TestDatabase;
  let database: Database;
  let fastify: FastifyInstance;
  let url: string;
  let signIns: SignIns;
  let visitor: Visitor;

  beforeAll(async () => {
    testDatabase = await createDatabase();
    database = await Database.connect(testDatabase.url);
    await issuer.start();
    await startService();
  });
  afterAll(async () => {
    await fastify.close();
    await Promise.all([issuer.stop(), database.close()]);
    await testDatabase.drop();
  });
  beforeEach(() => {
    issuer.behaviour = { subject: somePerson() };
    visitor = new Visitor();
  });

  /** The sign-in as the service has it, with two routes that stand for the rooms that use it. */
  async function startService(key = secret, subjectClaim = 'sub', port = 0): Promise<void> {
    const log = createLogger('debug', { write: (line: string) => void logLines.push(line) });
    fastify = createHttpEdge('http://localhost', log).adapter.getInstance<FastifyInstance>();
    const cookies = new BrowserCookies(false);
    const forms = new FormTokens(cookies);
    const routes = () => new SignInController(signIns, forms);
    const kind = { body: 'form', answer: 'page' } as const;
    fastify.get('/begin', async (request, reply) => {
      const { purpose, continueAt } = request.query as { purpose: Purpose; continueAt: string };
      await signIns.begin(reply, { purpose, continueAt });
    });
    fastify.get('/who', async (request) => {
      const { purpose } = request.query as { purpose: Purpose };
      return { outcome: await signIns.outcome(request, purpose) };
    });
    fastify.get('/form', async (_request, reply) => ({ token: forms.issue(reply, '/sign-out') }));
    fastify.get('/sign-in/callback', async ({ query }, reply) => routes().callback(query, reply));
    fastify.post('/sign-out', { config: { kind } }, async (request, reply) =>
      routes().signOut(request.body, request.query, request, reply),
    );
    const address = await fastify.listen({ port, host: 'localhost' });
    url = `http://localhost:${new URL(address).port}`;
    const options = {
      issuer: issuer.url,
      clientId: 'us',
      clientSecret: 'secret',
      subjectClaim,
      mayBeAway: false,
      redirectUri: `${url}/sign-in/callback`,
      hostAddresses: {},
    };
    signIns = new SignIns(
      new Issuer(await import('openid-client'), options, log),
      new SignInStore(database),
      new PersonalSeal(new PersonKey(key)),
      cookies,
      forms,
      clock,
    );
  }

  const begin = (purpose: Purpose, who = visitor, continueAt = `/who?purpose=${purpose}`) =>
    who.get(`${url}/begin?purpose=${purpose}&continueAt=${encodeURIComponent(continueAt)}`);
  const outcome = async (purpose: Purpose, who = visitor) =>
    (JSON.parse((await who.get(`${url}/who?purpose=${purpose}`)).text) as { outcome?: unknown }).outcome;
  const identified = () => ({ kind: 'identified', person: { subject: issuer.behaviour.subject } });

  it('asks the issuer for a fresh sign-in, with everything that binds its answer to this browser', async () => {
    await begin('person');
    expect(issuer.asked.at(-1)).toEqual({
      client_id: 'us',
      redirect_uri: `${url}/sign-in/callback`,
      response_type: 'code',
      scope: 'openid',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      prompt: 'login',
      max_age: '0',
    });
  });

  it('ends where it was begun for, with the person known there', async () => {
    const shown = await begin('interaction:1');
    expect(shown.url).toBe(`${url}/who?purpose=interaction:1`);
    expect(JSON.parse(shown.text)).toEqual({ outcome: identified() });
  });

  it('counts for its own purpose and in its own browser only', async () => {
    await begin('interaction:1');
    const first = identified();
    issuer.behaviour = { subject: somePerson() };
    await begin('person');
    expect(await outcome('interaction:1')).toEqual(first);
    expect(await outcome('person')).toEqual(identified());
    expect(await outcome('interaction:2')).toBeUndefined();
    expect(await outcome('person', new Visitor())).toBeUndefined();
    // A cookie of one purpose under the name of another is a session of neither.
    const jar = visitor.cookies.get(new URL(url).host)!;
    const [one, other] = [...jar.keys()].filter((name) => name.startsWith('session-'));
    jar.set(one!, jar.get(other!)!);
    expect([await outcome('interaction:1'), await outcome('person')].filter(Boolean)).toHaveLength(1);
  });

  it('gives the session an identifier that the browser did not have before', async () => {
    await begin('person');
    const jar = visitor.cookies.get(new URL(url).host)!;
    const name = [...jar.keys()].find((key) => key.startsWith('session-'))!;
    const fixed = jar.get(name)!;
    await begin('person');
    expect(jar.get(name)).not.toBe(fixed);
    const other = new Visitor();
    other.cookies.set(new URL(url).host, new Map([[name, fixed]]));
    expect(await outcome('person', other)).toBeUndefined();
  });

  it('keeps secrets and subjects out of the database, the addresses of the service and the log', async () => {
    await begin('person');
    const jar = [...visitor.cookies.get(new URL(url).host)!.values()];
    const rows = await database.query<{ row: string }>(
      'test.rows',
      'select row_to_json(s)::text as row from person_session s union all select row_to_json(s)::text from sign_in s',
    );
    const hex = (text: string) => Buffer.from(text).toString('hex');
    const stored = rows.map(({ row }) => row).join('\n');
    for (const kept of [...jar, issuer.behaviour.subject, issuer.asked.at(-1)!.state!]) {
      for (const place of [stored, logLines.join('\n')]) {
        expect(place).not.toContain(kept);
        expect(place).not.toContain(hex(kept));
      }
    }
  });

  it('survives a restart, also one in the middle of it', async () => {
    const port = Number(new URL(url).port);
    await begin('person');
    const elsewhere = new Visitor((address) => address.origin === url);
    const { way } = await begin('interaction:restart', elsewhere);
    await fastify.close();
    await startService(secret, 'sub', port);
    expect(await outcome('person')).toEqual(identified());
    const answer = await fetch(way.at(-1)!, { redirect: 'manual' });
    const shown = await elsewhere.get(answer.headers.get('location')!);
    expect(JSON.parse(shown.text)).toEqual({ outcome: identified() });
  });

  it('is over when the key that its subject is sealed with is gone', async () => {
    const port = Number(new URL(url).port);
    await begin('person');
    await fastify.close();
    await startService(randomBytes(32), 'sub', port);
    expect(await outcome('person')).toBeUndefined();
    await fastify.close();
    await startService(secret, 'sub', port);
  });

  it('goes on at our own paths only', async () => {
    for (const odd of ['https://evil.example/', '//evil.example', '/\\evil.example', 'who', '']) {
      expect((await begin('person', visitor, odd)).status).toBe(500);
    }
  });

  describe('fails as an identity that cannot be established', () => {
    it.each<[string, Partial<TestIssuer['behaviour']>]>([
      ['the issuer says that the person cancelled', { redirect: { error: 'access_denied' } }],
      ['the issuer says something else', { redirect: { error: '999990019', error_description: '<b>' } }],
      ['the issuer sends neither code nor error', { redirect: {} }],
      ['the answer is of another issuer (mix-up)', { redirect: { code: 'x', iss: 'https://other.example' } }],
      ['the code is refused', { redirect: { code: 'never issued' } }],
      ['the token is of another issuer', { claims: { iss: 'https://other.example' } }],
      ['the token is for another audience', { claims: { aud: 'somebody else' } }],
      ['the token has expired', { claims: { exp: Math.floor(Date.now() / 1000) - 600 } }],
      ['the token answers another sign-in', { claims: { nonce: 'x'.repeat(43) } }],
      ['the token has no nonce', { claims: { nonce: undefined } }],
      ['the person signed in long ago', { claims: { auth_time: Math.floor(Date.now() / 1000) - 3_600 } }],
      ['nobody says when the person signed in', { claims: { auth_time: undefined } }],
      ['the token is signed by somebody else', { foreignKey: true }],
      ['the subject is missing', { claims: { sub: undefined } }],
      ['the subject is empty', { claims: { sub: '' } }],
      ['the subject is too long', { claims: { sub: '9'.repeat(256) } }],
      ['the subject holds a line break', { claims: { sub: '999990019\n' } }],
      ['the subject is no text', { claims: { sub: 999990019 as never } }],
      ['there is no ID token', { token: { status: 200, body: '{"access_token":"x","token_type":"Bearer"}' } }],
      ['the answer is no JSON', { token: { status: 200, body: '<p>' } }],
      ['the answer is a page', { token: { status: 200, body: '<p>', contentType: 'text/html' } }],
      ['the answer is nonsense', { token: { status: 418, body: '{}' } }],
    ])('when %s', async (_, behaviour) => {
      issuer.behaviour = { ...issuer.behaviour, ...behaviour };
      const before = logLines.length;
      const shown = await begin('interaction:fault');
      expect([shown.status, JSON.parse(shown.text)]).toEqual([200, { outcome: { kind: 'failed' } }]);
      const logged = logLines.slice(before).join('\n');
      expect(logged).toContain('sign-in.failed');
      expect(logged).not.toMatch(/999990019|"level":"error"/);
    });

    it('and works the next time', async () => {
      issuer.behaviour.redirect = { error: 'access_denied' };
      await begin('person');
      issuer.behaviour = { subject: somePerson() };
      await begin('person');
      expect(await outcome('person')).toEqual(identified());
    });
  });

  describe('takes the subject from the claim that is configured', () => {
    beforeAll(async () => {
      const port = Number(new URL(url).port);
      await fastify.close();
      await startService(secret, 'urn:nl:bsn', port);
    });
    afterAll(async () => {
      const port = Number(new URL(url).port);
      await fastify.close();
      await startService(secret, 'sub', port);
    });

    it('and from no other', async () => {
      issuer.behaviour.claims = { 'urn:nl:bsn': '999990019' };
      await begin('person');
      expect(await outcome('person')).toEqual({ kind: 'identified', person: { subject: '999990019' } });
      issuer.behaviour.claims = {};
      await begin('person');
      expect(await outcome('person')).toEqual({ kind: 'failed' });
    });
  });

  describe('while the issuer is away', () => {
    afterEach(async () => {
      await issuer.stop();
      await issuer.start();
    });

    it('is not begun, and is as soon as the issuer is back', async () => {
      const port = Number(new URL(url).port);
      await fastify.close();
      await issuer.stop();
      await startService(secret, 'sub', port);
      expect((await begin('person')).status).toBe(503);
      await issuer.start();
      await begin('person');
      expect(await outcome('person')).toEqual(identified());
    });

    it.each<[string, Partial<TestIssuer['behaviour']>]>([
      ['says nothing any more', { token: 'hang up' }],
      ['answers that it cannot', { token: { status: 503, body: '' } }],
      ['is overloaded', { token: { status: 429, body: '{"error":"slow_down"}' } }],
      ['does not know us any more', { token: { status: 401, body: '{"error":"invalid_client"}' } }],
    ])('is an outage when it %s after the person signed in', async (_, behaviour) => {
      issuer.behaviour = { ...issuer.behaviour, ...behaviour };
      expect(JSON.parse((await begin('interaction:2')).text)).toEqual({ outcome: { kind: 'outage' } });
    });
  });

  describe('the answer of the issuer', () => {
    const stopBefore = () =>
      new Visitor((address) => address.origin !== url || address.pathname !== '/sign-in/callback');

    it('counts once', async () => {
      const careful = stopBefore();
      const answer = (await begin('person', careful)).way.at(-1)!;
      expect(new URL(answer).pathname).toBe('/sign-in/callback');
      const free = new Visitor();
      free.cookies.set(new URL(url).host, careful.cookies.get(new URL(url).host)!);
      expect((await free.get(answer)).status).toBe(200);
      const again = await free.get(answer);
      expect([again.status, again.text]).toEqual([400, expect.stringContaining('Inloggen is niet gelukt')]);
      expect(await outcome('person', free)).toEqual(identified());
    });

    it('counts in the browser that asked for it only, which still can use it (login CSRF)', async () => {
      const careful = stopBefore();
      const answer = (await begin('person', careful)).way.at(-1)!;
      await begin('interaction:other');
      expect((await visitor.get(answer)).status).toBe(400);
      expect((await new Visitor().get(answer)).status).toBe(400);
      const free = new Visitor();
      free.cookies.set(new URL(url).host, careful.cookies.get(new URL(url).host)!);
      expect((await free.get(answer)).status).toBe(200);
    });

    it('comes too late after a quarter of an hour', async () => {
      const careful = stopBefore();
      const answer = (await begin('person', careful)).way.at(-1)!;
      clock.advance(minutes(15) + 1);
      const free = new Visitor();
      free.cookies.set(new URL(url).host, careful.cookies.get(new URL(url).host)!);
      expect((await free.get(answer)).status).toBe(400);
    });

    it.each(['', '?state=', '?state=x&state=y', `?state=${'x'.repeat(300)}`, '?code=x', '?state=unknown&code=x'])(
      'is no answer as %j',
      async (search) => {
        await begin('person');
        expect((await visitor.get(`${url}/sign-in/callback${search}`)).status).toBe(400);
      },
    );
  });

  describe('a session', () => {
    it('ends when nothing is asked for a quarter of an hour, and goes on while something is', async () => {
      await begin('person');
      for (let count = 0; count < 3; count += 1) {
        clock.advance(minutes(14));
        expect(await outcome('person')).toEqual(identified());
      }
      clock.advance(minutes(15) + 1);
      expect(await outcome('person')).toBeUndefined();
    });

    it('ends after an hour in any case', async () => {
      await begin('person');
      for (let count = 0; count < 4; count += 1) {
        clock.advance(minutes(14));
        expect(await outcome('person')).toEqual(identified());
      }
      clock.advance(minutes(4) + 1);
      expect(await outcome('person')).toBeUndefined();
    });

    it('ends when the person signs out, for whoever has its cookie', async () => {
      await begin('person');
      const thief = new Visitor();
      thief.cookies.set(new URL(url).host, new Map(visitor.cookies.get(new URL(url).host)));
      const { token } = JSON.parse((await visitor.get(`${url}/form`)).text) as { token: string };
      expect((await visitor.post(`${url}/sign-out`, { form_token: 'x' })).status).toBe(403);
      expect(await outcome('person')).toEqual(identified());
      const shown = await visitor.post(`${url}/sign-out`, { form_token: token });
      expect([shown.status, shown.text]).toEqual([200, expect.stringContaining('U bent uitgelogd')]);
      expect(await outcome('person')).toBeUndefined();
      expect(await outcome('person', thief)).toBeUndefined();
    });

    it('leaves nothing behind when it is over', async () => {
      await begin('person', new Visitor((address) => address.origin === url));
      await begin('person');
      clock.advance(minutes(30));
      await begin('person');
      const count = async (table: string) =>
        (await database.query<{ n: number }>(`test.count.${table}`, `select count(*)::int as n from ${table}`))[0]!.n;
      clock.advance(minutes(31));
      while (await signIns.sweep());
      expect([await count('sign_in'), await count('person_session')]).toEqual([0, 1]);
      expect(await outcome('person')).toBeUndefined();
    });
  });
});
