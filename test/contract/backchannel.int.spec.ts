import { X509Certificate } from 'node:crypto';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CertifiedKey, createAuthority, issueCertificate } from '../../dev/certificates';
import { authorizedRequest, somePerson, TestService } from '../support/app';
import { TestBackchannel } from '../support/backchannel';
import { eventually } from '../support/eventually';

describe('with a backchannel', () => {
  let service: TestService;
  let backchannel: TestBackchannel;
  let caller: CertifiedKey;
  let stranger: CertifiedKey;

  beforeAll(async () => {
    service = await TestService.start();
    const { authority } = service.world;
    caller = await issueCertificate(authority, { commonName: 'as.example', usages: ['client'] });
    stranger = await issueCertificate(await createAuthority('somebody else'), {
      commonName: 'as.example',
      usages: ['client'],
    });
    backchannel = await TestBackchannel.of(service);
  });
  afterAll(() => service.stop());

  async function call(path: string, identity?: CertifiedKey): Promise<number> {
    const isRead = path.startsWith('/health') || path.startsWith('/ops');
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${await service.token('authorizations:write', 'ops:read')}`,
    };
    const body = isRead ? undefined : JSON.stringify(authorizedRequest());
    return (await backchannel.send(identity, isRead ? 'GET' : 'POST', path, headers, body)).status;
  }

  it('takes authorized requests there, over mutual TLS', async () => {
    await expect(call('/authorizations', caller)).resolves.toBe(201);
  });

  it('closes the connection on a caller without a certificate, or with a stranger’s', async () => {
    await expect(call('/authorizations')).rejects.toThrow();
    await expect(call('/authorizations', stranger)).rejects.toThrow();
  });

  it('takes resource changes there, over mutual TLS', async () => {
    const authorization = `Bearer ${await service.token('resource-changes:write')}`;
    const change = {
      change_id: 'over-mutual-tls',
      subject: somePerson(),
      provider: 'eenofanderezorgaanbieder',
      service_id: '42',
      available_at: new Date().toISOString(),
    };
    const headers = { 'content-type': 'application/json', authorization };
    const answer = await backchannel.send(caller, 'POST', '/resource-changes', headers, JSON.stringify(change));
    expect(answer.status).toBe(202);
  });

  it('has no machine doors on the other port, however the path is written', async () => {
    for (const path of ['/authorizations', '/%61uthorizations', '/resource-changes']) {
      expect((await service.post(path, authorizedRequest())).status).toBe(404);
    }
  });

  it('has nothing but machine doors on the backchannel', async () => {
    await expect(call('/health/live', caller)).resolves.toBe(404);
    await expect(call('/ops/api/subscriptions', caller)).resolves.toBe(404);
    expect((await service.get('/health/live')).status).toBe(200);
  });

  it('answers what cannot be read with a problem document, as on the other port', async () => {
    const answer = await raw('GET /health/live HTTP/1.1\r\nbad header\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('application/problem+json');
    expect(answer).toContain('"code":"malformed_request"');
  });

  it('shows a new certificate to new callers without a restart, and the old one while the new pair is not whole', async () => {
    const { authority } = service.world;
    const shown = async () => {
      const socket = await shakeHands();
      const { subject } = socket.getPeerCertificate();
      socket.destroy();
      return subject.CN;
    };
    const open = await shakeHands();
    expect(await shown()).toBe('us');
    const renewed = await issueCertificate(authority, {
      commonName: 'renewed',
      names: ['localhost'],
      usages: ['server'],
    });
    await backchannel.replace('crt', renewed.certificate);
    await eventually(async () => {
      const { checks } = (await service.get<{ checks: Record<string, { reason?: string }> }>('/health/ready')).body;
      expect(checks.backchannel?.reason).toContain('key does not belong');
    });
    expect(await shown()).toBe('us');
    await backchannel.replace('key', renewed.key);
    await eventually(async () => expect(await shown()).toBe('renewed'));
    // Whoever was connected before is not disturbed.
    expect(await exchange(open, 'GET /oauth/none HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 404 /,
    );
    const { text } = await service.send('GET', '/metrics', {});
    const [, endsAtS] = /^medmij_server_certificate_expiry_timestamp_seconds (\S+)/m.exec(text) ?? [];
    expect(Number(endsAtS) * 1_000).toBe(Date.parse(new X509Certificate(renewed.certificate).validTo));
  });

  it('takes the callers of another authority once that is the one to trust', async () => {
    const foreign = await createAuthority('another one');
    const theirs = await issueCertificate(foreign, { commonName: 'as.example', usages: ['client'] });
    await expect(call('/authorizations', theirs)).rejects.toThrow();
    await backchannel.trust(foreign.certificate);
    await eventually(async () => expect(await call('/authorizations', theirs)).toBe(201));
    await expect(call('/authorizations', caller)).rejects.toThrow();
    await backchannel.trust(service.world.authority.certificate);
    await eventually(async () => expect(await call('/authorizations', caller)).toBe(201));
  });

  it('is not kept from stopping by a connection on which nothing is asked', async () => {
    const silent = await shakeHands();
    const ended = new Promise((resolve) => silent.once('close', resolve));
    const before = performance.now();
    await service.restart();
    await ended;
    expect(performance.now() - before).toBeLessThan(9_000);
  });

  function shakeHands(): Promise<TLSSocket> {
    const { certificate: cert, key } = caller;
    const ca = service.world.authority.certificate;
    return new Promise((resolve, reject) => {
      const socket = connect(
        { port: backchannel.port, host: '127.0.0.1', servername: 'localhost', ca, cert, key },
        () => resolve(socket),
      );
      socket.once('error', reject);
      socket.resume();
    });
  }

  async function raw(text: string): Promise<string> {
    return exchange(await shakeHands(), text);
  }

  async function exchange(socket: TLSSocket, text: string): Promise<string> {
    let answer = '';
    socket.on('data', (chunk) => (answer += String(chunk)));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.end(text);
    await closed;
    return answer;
  }
});
