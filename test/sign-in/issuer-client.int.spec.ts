import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { IssuerAway, issuerFetch } from '../../src/sign-in/issuer.client';

describe('a call to the issuer', () => {
  let server: Server;
  let call: (path: string, options?: Parameters<ReturnType<typeof issuerFetch>>[1]) => Promise<Response>;
  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (piece) => (body += String(piece)));
      request.on('end', () => {
        const { pathname } = new URL(request.url!, 'http://x');
        if (pathname === '/silent') return;
        if (pathname === '/large') return void response.end(Buffer.alloc(300_000, 'x'));
        if (pathname === '/elsewhere') return void response.writeHead(302, { location: '/echo' }).end();
        const status = /^\/status\/(\d+)/.exec(pathname)?.[1];
        response.writeHead(Number(status ?? 200), { 'content-type': 'application/json' });
        response.end(JSON.stringify({ host: request.headers.host, method: request.method, body }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const fetch = issuerFetch({ 'issuer.example': { address: '127.0.0.1', port } });
    call = (path, options = {}) => fetch(`http://issuer.example:1234${path}`, options);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('goes where DEV_HOSTS says, under the name that was asked for', async () => {
    const answer = await call('/echo', { method: 'POST', body: new URLSearchParams({ a: 'b c' }) });
    expect(await answer.json()).toEqual({ host: 'issuer.example:1234', method: 'POST', body: 'a=b+c' });
  });

  it('follows no redirect', async () => {
    expect((await call('/elsewhere')).status).toBe(302);
  });

  it('hands on what the issuer says about the request', async () => {
    expect((await call('/status/400')).status).toBe(400);
  });

  it.each(['/status/500', '/status/503', '/status/429', '/large'])(
    'says of %s that the issuer is away',
    async (path) => {
      await expect(call(path)).rejects.toThrow(IssuerAway);
    },
  );

  it('waits no longer than it is told to', async () => {
    await expect(call('/silent', { signal: AbortSignal.timeout(100) })).rejects.toThrow(IssuerAway);
  });
});
