import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { developmentAudience, developmentIssuer, issueToken } from '../../dev/tokens';
import { authorizedRequest, somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { expectProblem, expectQuietLog, nothingRecorded, publicUrl, recorded, sendBytes } from './attack';

type Claims = Record<string, unknown>;

const encoded = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
const now = () => Math.floor(Date.now() / 1000);

describe('a bearer token that must not be believed', () => {
  const subject = somePerson();
  let service: TestService;
  let good: string;
  let keyId: string;
  let publicJwk: Record<string, string>;

  beforeAll(async () => {
    service = await TestService.start({ PUBLIC_URL: publicUrl });
    good = await service.token('authorizations:write');
    const keys = await readFile(join(service.world.dataDir, 'tokens/jwks.json'), 'utf8');
    publicJwk = (JSON.parse(keys) as { keys: Record<string, string>[] }).keys[0]!;
    keyId = publicJwk.kid!;
  });
  afterAll(() => service.stop());

  const claims = (given: Claims = {}): Claims => ({
    iss: developmentIssuer,
    aud: developmentAudience,
    sub: subject,
    iat: now(),
    exp: now() + 3600,
    scope: 'authorizations:write',
    ...given,
  });
  /** By the right key, with claims as wrong as wanted; undefined leaves a claim out. */
  const signed = (given: Claims) =>
    issueToken({
      dataDir: service.world.dataDir,
      scopes: ['authorizations:write'],
      claims: { sub: subject, ...given },
    });
  const post = (headers: Record<string, string>, path = '/authorizations', body: object = {}) =>
    service.send(
      'POST',
      path,
      { 'content-type': 'application/json', ...headers },
      JSON.stringify({ ...authorizedRequest({ subject }), ...body }),
    );

  const refuseAsInvalid = async (token: string) => {
    const answer = await post({ authorization: `Bearer ${token}` });
    expectProblem(answer, 'unauthenticated', { subject });
    expect(answer.headers.get('www-authenticate')).toBe(
      `Bearer error="invalid_token", error_description="No valid credentials were presented", error_uri="${publicUrl}/errors/invalid_token"`,
    );
    expect(answer.text).not.toContain(token || 'nothing sent');
  };

  const foreignKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const foreignRsaKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const es256 = (header: object, payload: unknown, key = foreignKey) => {
    const text = `${encoded(header)}.${encoded(payload)}`;
    return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
  const hs256 = (header: object, secret: string | Buffer) => {
    const text = `${encoded(header)}.${encoded(claims())}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  };
  const [goodHeader, goodPayload, goodSignature] = [0, 1, 2].map((part) => () => good.split('.')[part]!) as [
    () => string,
    () => string,
    () => string,
  ];

  it('while the good one is believed', async () => {
    const answer = await post({ authorization: `Bearer ${good}` }, '/authorizations', { scope: 'no scope' });
    expectProblem(answer, 'scope_invalid', { subject });
    expect(answer.headers.get('www-authenticate')).toBeNull();
    expectProblem(await post({ authorization: `bearer  ${good}` }, '/authorizations', { scope: 'x' }), 'scope_invalid');
  });

  it.each<[string, () => string]>([
    ['alg none', () => `${encoded({ alg: 'none', typ: 'JWT' })}.${encoded(claims())}.`],
    ['alg none with a key id', () => `${encoded({ alg: 'none', kid: keyId })}.${encoded(claims())}.`],
    ['alg nOnE', () => `${encoded({ alg: 'nOnE' })}.${encoded(claims())}.`],
    ['alg none and a signature', () => `${encoded({ alg: 'none' })}.${goodPayload()}.${goodSignature()}`],
    ['no alg', () => `${encoded({ kid: keyId })}.${goodPayload()}.${goodSignature()}`],
    ['no signature', () => `${goodHeader()}.${goodPayload()}.`],
    ['two parts only', () => `${goodHeader()}.${goodPayload()}`],
    ['four parts', () => `${good}.${goodSignature()}`],
    ['five parts, as if encrypted', () => `${good}.${goodSignature()}.${goodSignature()}`],
    ['a foreign key', () => es256({ alg: 'ES256' }, claims())],
    ['a foreign key under our key id', () => es256({ alg: 'ES256', kid: keyId }, claims())],
    ['a key id that does not exist', () => es256({ alg: 'ES256', kid: 'another' }, claims())],
    ['a key id as a path', () => es256({ alg: 'ES256', kid: '../../../../dev/null' }, claims())],
    [
      'its own key in the header',
      () => es256({ alg: 'ES256', jwk: { kty: 'EC', crv: 'P-256', x: publicJwk.x, y: publicJwk.y } }, claims()),
    ],
    ['a key set to fetch', () => es256({ alg: 'ES256', jku: 'http://127.0.0.1:1/jwks', kid: keyId }, claims())],
    ['a critical header nobody knows', () => es256({ alg: 'ES256', kid: keyId, crit: ['x'], x: 1 }, claims())],
    [
      'RS256 by a foreign key',
      () => {
        const text = `${encoded({ alg: 'RS256', kid: keyId })}.${encoded(claims())}`;
        return `${text}.${sign('sha256', Buffer.from(text), foreignRsaKey).toString('base64url')}`;
      },
    ],
    ['HS256 with the public key as JSON', () => hs256({ alg: 'HS256', kid: keyId }, JSON.stringify(publicJwk))],
    [
      'HS256 with the x of the public key',
      () => hs256({ alg: 'HS256', kid: keyId }, Buffer.from(publicJwk.x!, 'base64url')),
    ],
    [
      'HS256 with the public key in PEM',
      () => hs256({ alg: 'HS256' }, foreignKey.export({ type: 'sec1', format: 'pem' })),
    ],
    ['HS256 with nothing', () => hs256({ alg: 'HS256', kid: keyId }, '')],
    ['claims changed after signing', () => `${goodHeader()}.${encoded(claims())}.${goodSignature()}`],
    ['an empty signature of zeros', () => `${goodHeader()}.${goodPayload()}.${Buffer.alloc(64).toString('base64url')}`],
    ['claims that are no object', () => es256({ alg: 'ES256', kid: keyId }, 'text')],
    ['garbage', () => 'garbage'],
    ['dots', () => '..'],
    ['a UUID', () => randomUUID()],
    ['a header that is no JSON', () => `${Buffer.from('{').toString('base64url')}.${goodPayload()}.${goodSignature()}`],
    ['10 kB', () => 'a'.repeat(10_000)],
    ['10 kB of a token', () => `${good}${'A'.repeat(10_000)}`],
  ])('is refused as invalid_token: %s', async (_what, token) => {
    await refuseAsInvalid(token());
  });

  it.each<[string, () => Claims]>([
    ['expired', () => ({ exp: now() - 60 })],
    ['expired long ago', () => ({ exp: 0 })],
    ['without exp', () => ({ exp: undefined })],
    ['with exp as text', () => ({ exp: String(now() + 3600) })],
    ['not valid yet', () => ({ nbf: now() + 600 })],
    ['with nbf as text', () => ({ nbf: 'soon' })],
    ['for another audience', () => ({ aud: 'another-service' })],
    ['for other audiences', () => ({ aud: ['another-service', `${developmentAudience}/`] })],
    ['without audience', () => ({ aud: undefined })],
    ['of another issuer', () => ({ iss: 'https://issuer.example' })],
    ['of an issuer that begins as ours does', () => ({ iss: `${developmentIssuer}.evil.example` })],
    ['without issuer', () => ({ iss: undefined })],
  ])('is refused as invalid_token though our key signed it: %s', async (_what, given) => {
    await refuseAsInvalid(await signed(given()));
  });

  it.each<[string, unknown]>([
    ['another door', 'ops:read ops:write resource-changes:write'],
    ['nothing', ''],
    ['nothing at all', undefined],
    ['a list instead of a text', ['authorizations:write']],
    ['an object', { 'authorizations:write': true }],
    ['it in capitals', 'AUTHORIZATIONS:WRITE'],
    ['something longer', 'authorizations:write:all'],
    ['something else around it', 'xauthorizations:write,authorizations:writex'],
    ['everything', '*'],
  ])('is refused as insufficient_scope when it is good for %s', async (_what, scope) => {
    const answer = await post({ authorization: `Bearer ${await signed({ scope })}` });
    expectProblem(answer, 'forbidden', { subject });
    expect(answer.headers.get('www-authenticate')).toBe(
      `Bearer error="insufficient_scope", error_description="The credentials do not allow this", error_uri="${publicUrl}/errors/insufficient_scope"`,
    );
  });

  it('of an Authorization Server opens no operator door, nor a reader a writing one', async () => {
    const attempts: [string, string, string][] = [
      ['GET', '/ops/api/subscriptions', good],
      ['GET', '/ops/api/deliveries', good],
      ['POST', `/ops/api/deliveries/${randomUUID()}/retry`, await service.token('ops:read')],
      ['GET', '/ops/api/lists', await service.token('ops:write')],
    ];
    for (const [method, path, token] of attempts) {
      expectProblem(await service.send(method, path, { authorization: `Bearer ${token}` }), 'forbidden');
    }
  });

  describe('is not even looked for', () => {
    it.each<[string, Record<string, string>, string, object]>([
      ['anywhere', {}, '/authorizations', {}],
      ['in the query', {}, '/authorizations?access_token=TOKEN', {}],
      ['in the body', {}, '/authorizations', { access_token: 'TOKEN' }],
      ['in a cookie', { cookie: 'access_token=TOKEN; Authorization=Bearer TOKEN' }, '/authorizations', {}],
      [
        'in another header',
        { 'x-authorization': 'Bearer TOKEN', 'proxy-authorization': 'Bearer TOKEN' },
        '/authorizations',
        {},
      ],
      ['under another scheme', { authorization: 'Basic VE9LRU46VE9LRU4=' }, '/authorizations', {}],
      ['without a scheme', { authorization: 'TOKEN' }, '/authorizations', {}],
      ['under a longer scheme', { authorization: 'BearerX TOKEN' }, '/authorizations', {}],
    ])('%s: 401 with a bare challenge', async (_where, headers, path, body) => {
      const filled = JSON.parse(JSON.stringify({ headers, path, body }).replaceAll('TOKEN', good)) as {
        headers: Record<string, string>;
        path: string;
        body: object;
      };
      const answer = await post(filled.headers, filled.path, filled.body);
      expectProblem(answer, 'unauthenticated', { subject });
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    });

    it.each([
      'Bearer',
      'Bearer ',
      'Bearer a b',
      'Bearer a,b',
      'Bearer "TOKEN"',
      'Bearer TOKEN, Bearer TOKEN',
      'Bearer TOKEN;x=1',
    ])('in a header that reads %s', async (form) => {
      const answer = await post({ authorization: form.replaceAll('TOKEN', good) });
      expectProblem(answer, 'unauthenticated', { subject });
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
    });
  });

  it('is refused beside a second one, in the query or in the body', async () => {
    const authorization = `Bearer ${good}`;
    expectProblem(await post({ authorization }, `/authorizations?access_token=${good}`), 'malformed_request');
    expectProblem(await post({ authorization }, '/authorizations', { access_token: good }), 'malformed_request');
  });

  it('is refused beside a second Authorization header, whichever of the two is good', async () => {
    for (const [first, second] of [
      [good, 'garbage'],
      ['garbage', good],
      [good, good],
    ]) {
      const body = JSON.stringify(authorizedRequest({ subject }));
      const [answer] = await sendBytes(
        service.world.baseUrl,
        `POST /authorizations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${first}\r\nauthorization: Bearer ${second}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      );
      expectProblem(answer!, 'malformed_request', { subject });
    }
  });

  it('is refused on every door that needs one', async () => {
    for (const [method, path] of [
      ['POST', '/authorizations'],
      ['GET', '/ops/api/subscriptions'],
      ['GET', `/ops/api/subscriptions/${subject}`],
      ['GET', `/ops/api/subscriptions/x/history`],
      ['GET', `/ops/api/subscriptions/x/notifications`],
      ['GET', '/ops/api/deliveries'],
      ['POST', `/ops/api/deliveries/${randomUUID()}/retry`],
      ['GET', '/ops/api/lists'],
    ] as const) {
      const answer = await service.send(method, path, {});
      expect([method, path, answer.status, answer.headers.get('www-authenticate')]).toEqual([
        method,
        path,
        401,
        'Bearer',
      ]);
      const bad = await service.send(method, path, { authorization: 'Bearer garbage' });
      expect([method, path, bad.status]).toEqual([method, path, 401]);
    }
  });

  it('cannot be judged without the keys: 503, so that a good one is tried again, and then it works', async () => {
    const file = join(service.world.dataDir, 'tokens/jwks.json');
    const fresh = await service.token('authorizations:write');
    const keys = await readFile(file);
    await rm(file);
    try {
      const answer = await post({ authorization: `Bearer ${fresh}` });
      expectProblem(answer, 'unavailable', { subject });
      expect(answer.headers.get('retry-after')).toBe('1');
      // One that was found good before is believed for five seconds, no longer.
      await eventually(async () => {
        const later = await post({ authorization: `Bearer ${good}` }, '/authorizations', { scope: 'x' });
        expect(later.status).toBe(503);
      });
    } finally {
      await writeFile(file, keys);
    }
    expectProblem(await post({ authorization: `Bearer ${good}` }, '/authorizations', { scope: 'x' }), 'scope_invalid');
  });

  it('opens nothing after its expiry, though it was found good just before', async () => {
    // The clocks of both sides may differ by five seconds, of which three are left.
    const nearlyOver = await issueToken({
      dataDir: service.world.dataDir,
      scopes: ['authorizations:write'],
      lifetimeS: -2,
    });
    const ask = () => post({ authorization: `Bearer ${nearlyOver}` }, '/authorizations', { scope: 'x' });
    const startedMs = performance.now();
    expectProblem(await ask(), 'scope_invalid');
    await eventually(async () => expect((await ask()).status).toBe(401), 20_000);
    expect(performance.now() - startedMs).toBeLessThan(4_500);
  });

  it('has left nothing behind, and no token and no subject stands in the log', async () => {
    expect(await recorded(service.world)).toEqual(nothingRecorded);
    expectQuietLog(service.world, subject, goodSignature());
  });
});
