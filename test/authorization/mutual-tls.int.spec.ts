import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CertifiedKey, issueCertificate } from '../../dev/certificates';
import { type Consent, Grants } from '../../src/grants';
import { ClientCertificate } from '../../src/grants/client-certificates';
import { TestService } from '../support/app';
import { type BackchannelAnswer, TestBackchannel } from '../support/backchannel';
import { codeFor, consentTo, exchange, type Form, formText, tokenHeaders } from './grant-walk';

/** As RFC 9440 writes a certificate into a header. */
const inHeader = ({ certificate }: CertifiedKey) => `:${new X509Certificate(certificate).raw.toString('base64')}:`;

type Received = BackchannelAnswer & { body: Record<string, unknown> };

describe('over mutual TLS', () => {
  let service: TestService;
  let backchannel: TestBackchannel;
  /** By the names in them. */
  const identities = new Map<string, CertifiedKey>();

  beforeAll(async () => {
    service = await TestService.start({ ROLES: 'api' });
    backchannel = await TestBackchannel.of(service);
  });
  afterAll(() => service.stop());

  async function identity(...names: string[]): Promise<CertifiedKey> {
    const key = names.join();
    const known = identities.get(key);
    const made =
      known ??
      (await issueCertificate(service.world.authority, { commonName: 'localhost', names, usages: ['client'] }));
    identities.set(key, made);
    return made;
  }

  async function ask(
    caller: CertifiedKey,
    method: 'GET' | 'POST',
    path: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<Received> {
    const answer = await backchannel.send(caller, method, path, headers, body);
    return { ...answer, body: (answer.text && JSON.parse(answer.text)) as Record<string, unknown> };
  }

  interface Asked {
    given?: Partial<Consent>;
    form?: Form;
    headers?: Record<string, string>;
  }
  /** A good token request but for who sends it. */
  async function tokenAs(caller: CertifiedKey, { given = {}, form = {}, headers = {} }: Asked = {}): Promise<Received> {
    const consent = consentTo(service, given);
    const fields = {
      grant_type: 'authorization_code',
      code: await codeFor(service, consent),
      redirect_uri: consent.redirectUri,
      client_id: consent.clientId,
      ...form,
    };
    return ask(caller, 'POST', '/oauth/token', { ...tokenHeaders(consent), ...headers }, formText(fields));
  }
  /** A token of a client, however it came to it. */
  async function tokenOf(clientId: string): Promise<string> {
    const consent = consentTo(service, { clientId });
    const code = await codeFor(service, consent);
    return (await service.world.app.get(Grants).exchange({ ...consent, code })).accessToken;
  }
  const start = (caller: CertifiedKey, token: string, headers: Record<string, string> = {}) =>
    ask(caller, 'POST', '/Subscription', { authorization: `Bearer ${token}`, ...headers });

  describe('a client', () => {
    it('is the host that its certificate names, with and without saying so', async () => {
      const caller = await identity('localhost');
      expect(await tokenAs(caller)).toMatchObject({ status: 200, body: { token_type: 'Bearer' } });
      expect((await tokenAs(caller, { form: { client_id: undefined } })).status).toBe(200);
      expect((await tokenAs(await identity('other.example', 'LOCALHOST'))).status).toBe(200);
    });

    it('is not named by the subject of the certificate, by a wildcard, or by another name in it', async () => {
      const clientId = 'not-whitelisted.example';
      for (const [caller, asked] of [
        [await identity(), 'localhost'],
        [await identity('other.example'), 'localhost'],
        [await identity('localhost.evil.example'), 'localhost'],
        [await identity('*.example'), clientId],
        [await identity('127.0.0.1'), '127.0.0.1'],
      ] as const) {
        const answer = await tokenAs(caller, { given: { clientId: asked } });
        expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
        expect(answer.headers['www-authenticate']).toBe('tls_client_auth realm="medmij-subscriptions"');
      }
    });

    it('must be on the client list, and on the whitelist', async () => {
      // On the whitelist only; on the client list only.
      const [unlisted, unwhitelisted] = ['sample-client.example', 'not-whitelisted.example'];
      const answers = [];
      for (const clientId of [unlisted, unwhitelisted]) {
        answers.push(await tokenAs(await identity(clientId), { given: { clientId } }));
      }
      expect(answers).toMatchObject([
        { status: 401, body: { error: 'invalid_client' } },
        { status: 400, body: { error: 'unauthorized_client' } },
      ]);
    });

    it('must say which it is when its certificate names two that are listed', async () => {
      const caller = await identity('localhost', 'not-whitelisted.example');
      expect(await tokenAs(caller, { form: { client_id: undefined } })).toMatchObject({
        status: 400,
        body: { error: 'invalid_request' },
      });
      expect((await tokenAs(caller)).status).toBe(200);
    });

    it('that shows a secret is judged by the secret, not by its certificate', async () => {
      const caller = await identity('localhost');
      expect(await tokenAs(caller, { form: { client_secret: 'wrong' } })).toMatchObject({
        status: 401,
        body: { error: 'invalid_client' },
      });
    });

    it('is not believed for a name that only looks like two, or for all names under one', async () => {
      const { certificate } = await identity('evil.example, DNS:localhost, x.example');
      const shown = new ClientCertificate(new X509Certificate(certificate));
      expect([shown.names('localhost'), shown.hosts()]).toEqual([false, []]);
      const wide = new ClientCertificate(new X509Certificate((await identity('*.apps.example')).certificate));
      expect([wide.names('one.apps.example'), wide.hosts()]).toEqual([false, []]);
      const { certificate: plain } = await identity('One.example', 'two.example');
      expect(new ClientCertificate(new X509Certificate(plain)).hosts()).toEqual(['one.example', 'two.example']);
    });
  });

  describe('an access token', () => {
    it('is good for the client it was issued to', async () => {
      expect((await start(await identity('localhost'), await tokenOf('localhost'))).status).toBe(201);
    });

    it('is, in anybody else’s hands, one that never was', async () => {
      const stolen = await tokenOf('localhost');
      const unknown = await start(await identity('other.example'), crypto.randomUUID());
      for (const thief of [await identity(), await identity('other.example'), await identity('*.localhost')]) {
        const answer = await start(thief, stolen);
        expect([answer.status, answer.text]).toEqual([401, unknown.text]);
        expect(answer.headers['www-authenticate']).toBe(unknown.headers['www-authenticate']);
      }
      expect((await start(await identity('localhost'), stolen)).status).toBe(201);
    });

    it('is not believed from a client that is on no whitelist', async () => {
      const clientId = 'not-whitelisted.example';
      expect((await start(await identity(clientId), await tokenOf(clientId))).status).toBe(401);
    });
  });

  it('there is no token and no subscription on the other port, and the metadata says where they are', async () => {
    const consent = consentTo(service);
    expect((await exchange(service, consent, await codeFor(service, consent))).status).toBe(404);
    expect((await service.send('POST', '/Subscription', {})).status).toBe(404);
    const { body } = await service.get('/.well-known/oauth-authorization-server');
    expect(body).toMatchObject({
      issuer: 'http://localhost:0',
      token_endpoint: `https://localhost:${backchannel.port}/oauth/token`,
      token_endpoint_auth_methods_supported: ['tls_client_auth', 'client_secret_basic', 'client_secret_post'],
    });
    expect((await ask(await identity(), 'GET', '/.well-known/oauth-authorization-server', {})).status).toBe(404);
  });

  it('nobody believes a Client-Cert header as long as no proxy is trusted', async () => {
    const headers = { 'Client-Cert': inHeader(await identity('localhost')) };
    const proxy = await identity('proxy.example');
    expect((await tokenAs(proxy, { headers })).status).toBe(401);
    expect((await start(proxy, await tokenOf('localhost'), headers)).status).toBe(401);
  });

  describe('with a proxy that hands on the certificate it was shown (RFC 9440)', () => {
    beforeAll(() => service.restart({ CLIENT_CERT_HEADER: 'Client-Cert', TRUSTED_PROXIES: '10.0.0.0/8,127.0.0.0/8' }));

    it('the client is the one named in there', async () => {
      const proxy = await identity('proxy.example');
      const headers = { 'Client-Cert': inHeader(await identity('localhost')) };
      expect((await tokenAs(proxy, { headers })).status).toBe(200);
      expect((await start(proxy, await tokenOf('localhost'), headers)).status).toBe(201);
    });

    it('the proxy is not taken for the client, whatever its own certificate says', async () => {
      const proxy = await identity('localhost');
      expect((await tokenAs(proxy)).status).toBe(401);
      expect((await start(proxy, await tokenOf('localhost'))).status).toBe(401);
    });

    it('a header that cannot be read shows nobody', async () => {
      const proxy = await identity('proxy.example');
      const good = inHeader(await identity('localhost'));
      for (const value of [
        '',
        '::',
        ':AAAA:',
        good.slice(1),
        `${good}, ${good}`,
        `:${'A'.repeat(4_000)}:`,
        'localhost',
      ]) {
        expect((await tokenAs(proxy, { headers: { 'Client-Cert': value } })).status).toBe(401);
      }
    });
  });

  describe('with a proxy elsewhere', () => {
    beforeAll(() => service.restart({ CLIENT_CERT_HEADER: 'Client-Cert', TRUSTED_PROXIES: '10.0.0.0/8,::2' }));

    it('a forged header is not looked at: only the certificate of the connection counts', async () => {
      const forged = { headers: { 'Client-Cert': inHeader(await identity('localhost')) } };
      const thief = await identity('thief.example');
      expect(await tokenAs(thief, forged)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      expect((await start(thief, await tokenOf('localhost'), forged.headers)).status).toBe(401);
      const honest = { headers: { 'Client-Cert': inHeader(thief) } };
      expect((await tokenAs(await identity('localhost'), honest)).status).toBe(200);
    });
  });

  describe('ended by a proxy before the only port', () => {
    const plain = async (path: string, headers: Record<string, string>, body?: string) =>
      (await service.send('POST', path, headers, body)).status;

    it('the header is what shows the client, from the trusted proxy only', async () => {
      const certificate = { 'Client-Cert': inHeader(await identity('localhost')) };
      const outcomes: Record<string, number[]> = {};
      for (const proxies of ['127.0.0.1', '192.0.2.1']) {
        await service.restart({ BACKCHANNEL_PORT: '', CLIENT_CERT_HEADER: 'Client-Cert', TRUSTED_PROXIES: proxies });
        const consent = consentTo(service);
        const form = {
          grant_type: 'authorization_code',
          code: await codeFor(service, consent),
          redirect_uri: consent.redirectUri,
        };
        const authorization = `Bearer ${await tokenOf('localhost')}`;
        outcomes[proxies] = [
          await plain('/oauth/token', { ...tokenHeaders(consent), ...certificate }, formText(form)),
          await plain('/Subscription', { authorization }),
          await plain('/Subscription', { authorization, ...certificate }),
        ];
      }
      expect(outcomes).toEqual({ '127.0.0.1': [200, 401, 201], '192.0.2.1': [401, 401, 401] });
    });
  });
});
