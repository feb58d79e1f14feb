import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Grants } from '../../src/grants';
import { type Answer, somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { expectQuietLog } from '../contract/attack';
import { rowsOf } from '../journeys/walk';
import {
  call,
  codeFor,
  consentTo,
  exchange,
  type Form,
  formText,
  redirectUri,
  secret,
  type TokenAnswer,
  tokenForm,
  tokenHeaders,
} from './grant-walk';

const publicUrl = 'https://subscriptions.example';

/** RFC 6749 section 5.2: status, the three members and nothing else, and no cache that keeps it. */
function expectError(answer: Answer<TokenAnswer>, error: string, status = 400): void {
  expect({ status: answer.status, body: answer.body }).toEqual({
    status,
    body: {
      error,
      error_description: expect.stringMatching(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/),
      error_uri: `${publicUrl}/errors/${error}`,
    },
  });
  expectUncached(answer);
}

function expectUncached({ headers }: Pick<Answer, 'headers'>): void {
  expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('pragma')).toBe('no-cache');
}

describe('the token endpoint', () => {
  let service: TestService;
  const subject = somePerson();
  const secrets = new Set<string>();
  beforeAll(async () => {
    service = await TestService.start({ PUBLIC_URL: publicUrl });
  });
  afterAll(() => service.stop());

  async function granted(given: Parameters<typeof consentTo>[1] = {}) {
    const consent = consentTo(service, { person: { subject }, ...given });
    const code = await codeFor(service, consent);
    secrets.add(code);
    return { consent, code };
  }
  async function token(given: Parameters<typeof consentTo>[1] = {}) {
    const { consent, code } = await granted(given);
    const answer = await exchange(service, consent, code);
    secrets.add(answer.body.access_token);
    return { consent, code, answer, token: answer.body.access_token };
  }
  const isBelieved = async (accessToken: string) => {
    const { status } = await call(service, 'GET', `/Subscription/${randomUUID()}.1`, accessToken);
    return { 404: true, 401: false }[status];
  };

  describe('answers a good request', () => {
    it('with the token, its type, its life and the scope with the days granted (RFC 6749 section 5.1)', async () => {
      const { answer } = await token({ grantedDays: 90 });
      expect(answer.status).toBe(200);
      expectUncached(answer);
      expect(answer.body).toEqual({
        access_token: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
        token_type: 'Bearer',
        expires_in: 900,
        scope: 'subscribe~90/eenofanderezorgaanbieder~42',
      });
      expect(answer.body).not.toHaveProperty('refresh_token');
    });

    it('with 0 days for an ending', async () => {
      expect((await token({ grantedDays: 0 })).answer.body.scope).toBe('subscribe~0/eenofanderezorgaanbieder~42');
    });

    it('from a client that says who it is by HTTP Basic, both parts encoded as a form', async () => {
      const { consent, code } = await granted();
      const authorization = `Basic ${Buffer.from(`localhost:${encodeURIComponent(secret)}`).toString('base64')}`;
      const form = { client_secret: undefined, client_id: undefined };
      expect((await exchange(service, consent, code, { form, headers: { authorization } })).status).toBe(200);
    });

    it('that has parameters nobody knows, and parameters without a value', async () => {
      const { consent, code } = await granted();
      const form = { foo: 'bar', code_verifier: 'x', scope: '' };
      expect((await exchange(service, consent, code, { form })).status).toBe(200);
    });

    it('that names the scope as it was granted', async () => {
      const { consent, code } = await granted();
      const form = { scope: 'subscribe~180/eenofanderezorgaanbieder~42' };
      expect((await exchange(service, consent, code, { form })).status).toBe(200);
    });

    it('whose X-Correlation-ID is written in other letters', async () => {
      const { consent, code } = await granted();
      const headers = { 'X-Correlation-ID': consent.correlationId.toUpperCase() };
      expect((await exchange(service, consent, code, { headers })).status).toBe(200);
    });
  });

  describe('refuses with invalid_request', () => {
    it.each<[string, Form]>([
      ['a required parameter is missing: grant_type', { grant_type: undefined }],
      ['a required parameter is missing: code', { code: undefined }],
      ['a required parameter is missing: redirect_uri', { redirect_uri: undefined }],
      ['a required parameter has no value', { code: '' }],
    ])('when %s', async (_what, form) => {
      const { consent, code } = await granted();
      expectError(await exchange(service, consent, code, { form }), 'invalid_request');
      expect((await exchange(service, consent, code)).status).toBe(200);
    });

    it('when a parameter is repeated', async () => {
      const { consent, code } = await granted();
      for (const name of ['code', 'client_id', 'grant_type', 'foo']) {
        const body = `${formText(tokenForm(consent, code))}&${name}=x&${name}=x`;
        expectError(await service.send('POST', '/oauth/token', tokenHeaders(consent), body), 'invalid_request');
      }
    });

    it('when the client uses more than one mechanism to authenticate', async () => {
      const { consent, code } = await granted();
      const authorization = `Basic ${Buffer.from(`localhost:${secret}`).toString('base64')}`;
      expectError(await exchange(service, consent, code, { headers: { authorization } }), 'invalid_request');
    });

    it('when the client_id is not the one of the authorization header', async () => {
      const { consent, code } = await granted();
      const authorization = `Basic ${Buffer.from(`localhost:${secret}`).toString('base64')}`;
      const form = { client_id: 'not-whitelisted.example', client_secret: undefined };
      expectError(await exchange(service, consent, code, { form, headers: { authorization } }), 'invalid_request');
    });

    it('when a parameter stands in the address, where it would be written down on the way', async () => {
      const { consent, code } = await granted();
      const body = formText(tokenForm(consent, code));
      for (const query of [`?code=${code}`, '?client_secret=x', '?foo=bar']) {
        const answer = await service.send<TokenAnswer>('POST', `/oauth/token${query}`, tokenHeaders(consent), body);
        expectError(answer, 'invalid_request');
      }
    });

    it('when the body is no form, or is none that can be read', async () => {
      const { consent, code } = await granted();
      const bodies: [string, string][] = [
        ['application/json', JSON.stringify(tokenForm(consent, code))],
        ['text/plain', formText(tokenForm(consent, code))],
        ['application/x-www-form-urlencoded; charset=utf-16', formText(tokenForm(consent, code))],
        ['application/x-www-form-urlencoded', 'code=%zz'],
      ];
      for (const [type, body] of bodies) {
        const headers = { ...tokenHeaders(consent), 'content-type': type };
        expectError(await service.send('POST', '/oauth/token', headers, body), 'invalid_request');
      }
    });

    it('when the body is too large, which HTTP has a status for', async () => {
      const { consent, code } = await granted();
      expectError(
        await exchange(service, consent, code, { form: { foo: 'x'.repeat(70_000) } }),
        'invalid_request',
        413,
      );
    });

    it.each(['MedMij-Request-ID', 'X-Correlation-ID'])('when %s is missing or is no UUID', async (name) => {
      const { consent, code } = await granted();
      const without = tokenHeaders(consent);
      delete without[name];
      expectError(
        await service.send('POST', '/oauth/token', without, formText(tokenForm(consent, code))),
        'invalid_request',
      );
      for (const value of ['x', 'a b', `${randomUUID()}0`]) {
        expectError(await exchange(service, consent, code, { headers: { [name]: value } }), 'invalid_request');
      }
    });

    it('when X-Correlation-ID is not the one of the authorization request, and leaves the code as it is', async () => {
      const { consent, code } = await granted();
      const headers = { 'X-Correlation-ID': randomUUID() };
      expectError(await exchange(service, consent, code, { headers }), 'invalid_request');
      expect((await exchange(service, consent, code)).status).toBe(200);
    });
  });

  describe('refuses with invalid_client, 401 and a challenge', () => {
    it.each<[string, Form]>([
      ['the client is unknown', { client_id: 'unknown-client.example' }],
      ['there is no client authentication', { client_secret: undefined }],
      ['there is no client authentication and no client_id', { client_secret: undefined, client_id: undefined }],
      ['the secret is wrong', { client_secret: `${secret}x` }],
      ['the secret belongs to nobody', { client_id: undefined }],
      ['the client_id is no host name', { client_id: 'a\u0000b', client_secret: undefined }],
    ])('when %s', async (_what, form) => {
      const { consent, code } = await granted();
      const answer = await exchange(service, consent, code, { form });
      expectError(answer, 'invalid_client', 401);
      expect(answer.headers.get('www-authenticate')).toBe('tls_client_auth realm="medmij-subscriptions"');
      expect((await exchange(service, consent, code)).status).toBe(200);
    });

    it.each([
      ['the wrong secret', `localhost:${secret}x`],
      ['no colon', 'localhost'],
      ['a broken escape', `localhost:%zz`],
    ])('that matches the scheme, after HTTP Basic with %s', async (_what, credentials) => {
      const { consent, code } = await granted();
      const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
      const form = { client_secret: undefined, client_id: undefined };
      const answer = await exchange(service, consent, code, { form, headers: { authorization } });
      expectError(answer, 'invalid_client', 401);
      expect(answer.headers.get('www-authenticate')).toBe('Basic realm="medmij-subscriptions", charset="UTF-8"');
    });

    it('when the method is not supported', async () => {
      const { consent, code } = await granted();
      const headers = { authorization: `Bearer ${code}` };
      const form = { client_secret: undefined };
      expectError(await exchange(service, consent, code, { form, headers }), 'invalid_client', 401);
    });
  });

  describe('refuses with invalid_grant', () => {
    it.each([
      ['was never issued', randomUUID()],
      ['is no code of ours', 'x'],
      ['is a very long one', 'x'.repeat(10_000)],
      ['holds what a database stumbles over', 'a\u0000b'],
    ])('a code that %s', async (_what, code) => {
      expectError(await exchange(service, consentTo(service), code), 'invalid_grant');
    });

    it('a code that has expired, to the second', async () => {
      const { consent, code } = await granted();
      const inTime = await granted();
      service.world.clock.advance(898_000);
      expect((await exchange(service, inTime.consent, inTime.code)).status).toBe(200);
      service.world.clock.advance(2_000);
      expectError(await exchange(service, consent, code), 'invalid_grant');
    });

    it('a redirect_uri that does not match the one of the authorization request', async () => {
      const { consent, code } = await granted();
      for (const other of [`${redirectUri}/`, `${redirectUri}?x=1`, 'http://localhost:3011/callback']) {
        expectError(await exchange(service, consent, code, { form: { redirect_uri: other } }), 'invalid_grant');
      }
    });

    it('a code that was issued to another client, and leaves it to that client', async () => {
      const { consent, code } = await granted({ clientId: 'sample-client.example' });
      expectError(await exchange(service, consent, code, { form: { client_id: 'localhost' } }), 'invalid_grant');
      const [row] = await rowsOf<{ exchanged: boolean }>(
        service,
        'select token_hash is not null as exchanged from access_grant where authorization_id = $1',
        [consent.authorizationId],
      );
      expect(row).toEqual({ exchanged: false });
    });

    it('a code that is presented again, and revokes the token it gave, whoever presents it', async () => {
      const { consent, code, token: accessToken } = await token();
      expect(await isBelieved(accessToken)).toBe(true);
      expectError(await exchange(service, consent, code), 'invalid_grant');
      expect(await isBelieved(accessToken)).toBe(false);

      const stolen = await token({ clientId: 'localhost' });
      const form = { redirect_uri: 'http://localhost:1/thief' };
      expectError(await exchange(service, stolen.consent, stolen.code, { form }), 'invalid_grant');
      expect(await isBelieved(stolen.token)).toBe(false);
    });

    it('all but one of many that present a code at once', async () => {
      const { consent, code } = await granted();
      const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(service, consent, code)));
      const won = answers.filter(({ status }) => status === 200);
      expect(won).toHaveLength(1);
      for (const answer of answers) if (answer !== won[0]) expectError(answer, 'invalid_grant');
      expect(await isBelieved(won[0]!.body.access_token)).toBe(false);
    });

    it('but never says which of these it was', async () => {
      const { consent, code } = await token();
      const used = await exchange(service, consent, code);
      const unknown = await exchange(service, consent, randomUUID());
      expect(used.text).toBe(unknown.text);
    });
  });

  it('refuses with unauthorized_client a client that may not be dealt with, being on no whitelist', async () => {
    const clientId = 'not-whitelisted.example';
    const { consent, code } = await granted({ clientId });
    expectError(await exchange(service, consent, code), 'unauthorized_client');
  });

  it.each(['refresh_token', 'client_credentials', 'password', 'Authorization_code', 'urn:x'])(
    'refuses with unsupported_grant_type the grant type %s',
    async (grantType) => {
      const { consent, code } = await granted();
      const form = { grant_type: grantType };
      expectError(await exchange(service, consent, code, { form }), 'unsupported_grant_type');
    },
  );

  it.each([
    'subscribe~181/eenofanderezorgaanbieder~42',
    'subscribe~1/eenofanderezorgaanbieder~42',
    'subscribe~180/anderezorgaanbieder~42',
    'openid',
  ])('refuses with invalid_scope the scope %s, which is not what was granted', async (scope) => {
    const { consent, code } = await granted();
    expectError(await exchange(service, consent, code, { form: { scope } }), 'invalid_scope');
    expect((await exchange(service, consent, code)).status).toBe(200);
  });

  it('is for POST only', async () => {
    const answer = await service.send('GET', '/oauth/token', {});
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('gives one code for one consent', async () => {
    const { consent } = await granted();
    await expect(service.world.app.get(Grants).issueCode(consent)).rejects.toMatchObject({ code: '23505' });
  });

  it('lets a token live for 900 seconds', async () => {
    const { token: accessToken } = await token();
    service.world.clock.advance(898_000);
    expect(await isBelieved(accessToken)).toBe(true);
    service.world.clock.advance(2_000);
    expect(await isBelieved(accessToken)).toBe(false);
  });

  it('keeps codes and tokens as hashes only, and the person sealed', async () => {
    await token();
    const rows = await rowsOf(service, 'select access_grant::text as row from access_grant');
    const hex = [...secrets, subject].map((text) => Buffer.from(text).toString('hex'));
    const text = JSON.stringify(rows);
    for (const hidden of [...secrets, subject, ...hex]) expect(text).not.toContain(hidden);
    expect(rows.length).toBeGreaterThan(0);
  });

  it('says in the log which token was given for what and which was refused why, and neither code, token nor person', async () => {
    const { consent, code } = await token();
    await exchange(service, consent, code);
    const lines = service.world.logLines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const about = lines.filter(({ correlation_id: id }) => id === consent.correlationId);
    expect(about.filter(({ msg }) => /^token\./.test(String(msg)))).toEqual([
      expect.objectContaining({
        msg: 'token.issued',
        client_id: 'localhost',
        authorization_id: consent.authorizationId,
        causation_id: expect.any(String),
      }),
      expect.objectContaining({ msg: 'token.refused', error: 'invalid_grant', reason: 'presented_again' }),
    ]);
    expectQuietLog(service.world, subject, secret, ...secrets);
  });

  it('keeps a token over a restart, and forgets grants an hour after the last of their lives', async () => {
    const { token: accessToken, consent } = await token();
    const { consent: unused } = await granted();
    await service.restart();
    expect(await isBelieved(accessToken)).toBe(true);
    const kept = async () => {
      const rows = await rowsOf<{ authorization_id: string }>(service, 'select authorization_id from access_grant');
      return rows.map((row) => row.authorization_id);
    };
    service.world.clock.advance(800_000);
    const { consent: younger } = await granted();
    service.world.clock.advance(110_000 + 3_600_000);
    await service.restart();
    await eventually(async () => expect(await kept()).toEqual([younger.authorizationId]));
    expect([consent.authorizationId, unused.authorizationId]).not.toContain(younger.authorizationId);
  });
});
