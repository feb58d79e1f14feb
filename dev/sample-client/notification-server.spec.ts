import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createAuthority, issueCertificate, type CertifiedKey } from '../certificates';
import { createNotificationServer } from './notification-server';
import { Received } from './received';

const about = { subscription_id: 'a-1', notification_type: 'subscription', end_date: '2027-01-31' };

describe("the sample client's notification endpoints", () => {
  const received = new Received();
  let server: ReturnType<typeof createNotificationServer>;
  let authority: CertifiedKey;
  let caller: CertifiedKey | undefined;
  let known: CertifiedKey;

  beforeAll(async () => {
    authority = await createAuthority('test');
    known = await issueCertificate(authority, { commonName: 'service', usages: ['client'] });
    const own = await issueCertificate(authority, {
      commonName: 'client',
      names: ['sample-client.example'],
      usages: ['server'],
    });
    const [cert, key, ca] = [own.certificate, own.key, authority.certificate].map((pem) => Buffer.from(pem));
    server = createNotificationServer({ cert: cert!, key: key!, ca: ca! }, received);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  afterAll(() => server.close().closeAllConnections());
  beforeEach(() => {
    caller = known;
  });

  const post = (path: string, body: unknown, headers: Record<string, string> = {}, method = 'POST') =>
    new Promise<{ status?: number; body?: string; error?: string }>((answered) => {
      const credentials = { ca: authority.certificate, cert: caller?.certificate, key: caller?.key };
      const where = { host: '127.0.0.1', port: (server.address() as AddressInfo).port, path, method };
      request(
        {
          ...where,
          ...credentials,
          servername: 'sample-client.example',
          agent: false,
          headers: { 'content-type': 'application/json', ...headers },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part: string) => (text += part));
          response.on('end', () => answered({ status: response.statusCode, body: text }));
        },
      )
        .on('error', (error) => answered({ error: error.message }))
        .end(JSON.stringify(body));
    });

  it('keep what arrives, with the ids it came with', async () => {
    const ids = { 'medmij-request-id': 'r-1', 'x-correlation-id': 'c-1' };
    expect(await post('/subscriptions/Notification', about, ids)).toEqual({ status: 204, body: '' });
    expect(received.newestFirst()[0]).toMatchObject({ ...about, request_id: 'r-1', correlation_id: 'c-1' });
  });

  it('name a wrong type', async () => {
    expect(await post('/resources/Notification', about)).toEqual({
      status: 400,
      body: '{"error":"invalid_notification_type"}',
    });
  });

  it('refuse other paths, methods, content types and sizes', async () => {
    expect((await post('/subscriptions', about)).status).toBe(404);
    expect((await post('/subscriptions/Notification?a=b', about)).status).toBe(404);
    expect((await post('/subscriptions/Notification', about, {}, 'PUT')).status).toBe(405);
    expect((await post('/subscriptions/Notification', about, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await post('/subscriptions/Notification', { ...about, more: 'x'.repeat(70_000) })).status).toBe(413);
  });

  it('let nobody in without a certificate of the authority', async () => {
    caller = undefined;
    expect((await post('/subscriptions/Notification', about)).status).toBeUndefined();
    caller = await issueCertificate(await createAuthority('stranger'), { commonName: 'service', usages: ['client'] });
    expect((await post('/subscriptions/Notification', about)).status).toBeUndefined();
  });
});

describe('what the sample client keeps', () => {
  it('is the newest thousand', () => {
    const received = new Received();
    for (let count = 0; count <= 1000; count += 1) {
      received.add({
        subscription_id: String(count),
        notification_type: 'resource',
        received_at: '2027-01-31T00:00:00Z',
        request_id: null,
        correlation_id: null,
      });
    }
    expect(received.newestFirst()).toHaveLength(1000);
    expect(received.newestFirst()[0]!.subscription_id).toBe('1000');
  });
});
