import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Configuration, CustomFetch } from 'openid-client' with { 'resolution-mode': 'import' };
import type { Consent } from '../../src/grants';
import { publicUrl } from '../contract/attack';
import { TestService } from '../support/app';
import { FrontChannel } from './front-channel';
import { codeFor, consentTo, redirectUri, secret } from './grant-walk';
import { locationOf } from './stepwise-visitor';

/** A well-known OAuth client library that knows nothing of us goes by our metadata. */
describe('a foreign OAuth client', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start({ ROLES: 'api', PUBLIC_URL: publicUrl });
  });
  afterAll(() => service.stop());

  /** What the client sends to our public address arrives here, with the ids that MedMij wants. */
  const fetchFor =
    (correlationId: string, of = service): CustomFetch =>
    (url, { method, headers, body }) =>
      fetch(url.replace(publicUrl, of.world.baseUrl), {
        method,
        headers: { ...headers, 'MedMij-Request-ID': randomUUID(), 'X-Correlation-ID': correlationId },
        body: body as string | undefined,
      });

  async function discovered(
    consent: Consent,
    method: 'ClientSecretPost' | 'ClientSecretBasic',
  ): Promise<Configuration> {
    const client = await import('openid-client');
    return client.discovery(new URL(publicUrl), 'localhost', {}, client[method](secret), {
      algorithm: 'oauth2',
      [client.customFetch]: fetchFor(consent.correlationId),
    });
  }
  const returned = (code: string, more = '') =>
    new URL(`${redirectUri}?code=${code}&state=state-1&iss=${encodeURIComponent(publicUrl)}${more}`);

  it.each(['ClientSecretPost', 'ClientSecretBasic'] as const)(
    'finds everything in the metadata, exchanges its code and uses the token (%s)',
    async (method) => {
      const client = await import('openid-client');
      const consent = consentTo(service);
      const config = await discovered(consent, method);
      expect(config.serverMetadata()).toMatchObject({
        issuer: publicUrl,
        authorization_endpoint: `${publicUrl}/oauth/authorize`,
        token_endpoint: `${publicUrl}/oauth/token`,
        response_types_supported: ['code'],
        grant_types_supported: ['authorization_code'],
        token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
        authorization_response_iss_parameter_supported: true,
      });
      const code = await codeFor(service, consent);
      const checks = { expectedState: 'state-1' };
      const tokens = await client.authorizationCodeGrant(config, returned(code), checks);
      expect(tokens).toMatchObject({
        token_type: 'bearer',
        expires_in: 900,
        scope: 'subscribe~180/eenofanderezorgaanbieder~42',
      });
      expect(tokens.refresh_token).toBeUndefined();
      const address = new URL(`${publicUrl}/Subscription`);
      const answer = await client.fetchProtectedResource(config, tokens.access_token, address, 'POST');
      expect([answer.status, await answer.json()]).toEqual([
        201,
        { subscription_id: expect.any(String), end_date: expect.any(String) },
      ]);
    },
  );

  it('walks the whole way, from the address it builds itself to a subscription', async () => {
    const front = await FrontChannel.start({ ROLES: 'api', PUBLIC_URL: publicUrl });
    try {
      const client = await import('openid-client');
      const correlationId = randomUUID();
      const config = await client.discovery(new URL(publicUrl), 'localhost', {}, client.ClientSecretPost(secret), {
        algorithm: 'oauth2',
        [client.customFetch]: fetchFor(correlationId, front.service),
      });
      const state = client.randomState();
      const address = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: 'subscribe~30/eenofanderezorgaanbieder~42',
        state,
        'MedMij-Request-ID': randomUUID(),
        'X-Correlation-ID': correlationId,
      });
      const visitor = front.visitor();
      const landing = await visitor.get(locationOf(await visitor.get(address.pathname + address.search)));
      const statement = await visitor.signIn(landing, { subject: randomUUID() });
      const back = new URL(locationOf(await visitor.submit(statement, '/oauth/interaction/decision')));
      const tokens = await client.authorizationCodeGrant(config, back, { expectedState: state });
      expect(tokens.scope).toBe('subscribe~30/eenofanderezorgaanbieder~42');
      const door = new URL(`${publicUrl}/Subscription`);
      expect((await client.fetchProtectedResource(config, tokens.access_token, door, 'POST')).status).toBe(201);
    } finally {
      await front.stop();
    }
  });

  it('understands our refusals', async () => {
    const client = await import('openid-client');
    const consent = consentTo(service);
    const config = await discovered(consent, 'ClientSecretPost');
    const code = await codeFor(service, consent);
    const checks = { expectedState: 'state-1' };
    const { access_token: token } = await client.authorizationCodeGrant(config, returned(code), checks);
    await expect(client.authorizationCodeGrant(config, returned(code), checks)).rejects.toMatchObject({
      name: 'ResponseBodyError',
      error: 'invalid_grant',
      status: 400,
    });
    const address = new URL(`${publicUrl}/Subscription`);
    await expect(client.fetchProtectedResource(config, token, address, 'POST')).rejects.toMatchObject({
      name: 'WWWAuthenticateChallengeError',
      cause: [{ scheme: 'bearer', parameters: expect.objectContaining({ error: 'invalid_token' }) }],
    });
  });

  it('is told by HTTP how to come in when it shows the wrong secret', async () => {
    const client = await import('openid-client');
    const consent = consentTo(service);
    const config = await client.discovery(new URL(publicUrl), 'localhost', {}, client.ClientSecretBasic('wrong'), {
      algorithm: 'oauth2',
      [client.customFetch]: fetchFor(consent.correlationId),
    });
    const code = await codeFor(service, consent);
    await expect(
      client.authorizationCodeGrant(config, returned(code), { expectedState: 'state-1' }),
    ).rejects.toMatchObject({
      name: 'WWWAuthenticateChallengeError',
      cause: [{ scheme: 'basic', parameters: expect.objectContaining({ realm: 'medmij-subscriptions' }) }],
    });
  });
});
