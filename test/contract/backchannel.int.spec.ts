import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, request } from 'undici';
import { type CertifiedKey, createAuthority, issueCertificate } from '../../dev/certificates';
import { authorizedRequest, TestService } from '../support/app';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('with a backchannel', () => {
  let service: TestService;
  let port: number;
  let caller: CertifiedKey;
  let stranger: CertifiedKey;

  beforeAll(async () => {
    service = await TestService.start();
    const { authority, dataDir } = service.world;
    const server = await issueCertificate(authority, { commonName: 'us', names: ['localhost'], usages: ['server'] });
    caller = await issueCertificate(authority, { commonName: 'as.example', usages: ['client'] });
    stranger = await issueCertificate(await createAuthority('somebody else'), {
      commonName: 'as.example',
      usages: ['client'],
    });
    await writeFile(join(dataDir, 'server.crt'), server.certificate);
    await writeFile(join(dataDir, 'server.key'), server.key, { mode: 0o600 });
    port = await freePort();
    await service.restart({
      BACKCHANNEL_PORT: String(port),
      TLS_CERT: join(dataDir, 'server.crt'),
      TLS_KEY: join(dataDir, 'server.key'),
      TLS_CLIENT_CA: join(dataDir, 'ca.crt'),
    });
  });
  afterAll(() => service.stop());

  async function call(path: string, identity?: CertifiedKey): Promise<number> {
    const dispatcher = new Agent({
      connect: {
        ca: service.world.authority.certificate,
        servername: 'localhost',
        cert: identity?.certificate,
        key: identity?.key,
      },
    });
    const isRead = path.startsWith('/health') || path.startsWith('/ops');
    try {
      const { statusCode, body } = await request(`https://127.0.0.1:${port}${path}`, {
        dispatcher,
        method: isRead ? 'GET' : 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${await service.token('authorizations:write', 'ops:read')}`,
        },
        ...(!isRead && { body: JSON.stringify(authorizedRequest()) }),
      });
      await body.dump();
      return statusCode;
    } finally {
      await dispatcher.close();
    }
  }

  it('takes authorized requests there, over mutual TLS', async () => {
    await expect(call('/authorizations', caller)).resolves.toBe(201);
  });

  it('closes the connection on a caller without a certificate, or with a stranger’s', async () => {
    await expect(call('/authorizations')).rejects.toThrow();
    await expect(call('/authorizations', stranger)).rejects.toThrow();
  });

  it('has no authorized requests on the other port, however the path is written', async () => {
    for (const path of ['/authorizations', '/%61uthorizations']) {
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
      const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca, cert, key }, () =>
        resolve(socket),
      );
      socket.once('error', reject);
      socket.resume();
    });
  }

  async function raw(text: string): Promise<string> {
    const socket = await shakeHands();
    let answer = '';
    socket.on('data', (chunk) => (answer += String(chunk)));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.end(text);
    await closed;
    return answer;
  }
});
