import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { authorizedRequest, somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import {
  collect,
  expectEdgeHeaders,
  expectProblem,
  expectQuietLog,
  nothingRecorded,
  openSocket,
  publicUrl,
  readAnswers,
  recorded,
  sendBytes,
} from './attack';

describe('the HTTP edge', () => {
  const subject = somePerson();
  let service: TestService;
  let authorization: string;
  beforeAll(async () => {
    service = await TestService.start({ PUBLIC_URL: publicUrl });
    authorization = `Bearer ${await service.token('authorizations:write')}`;
  });
  afterAll(() => service.stop());

  const raw = async (...lines: string[]) => sendBytes(service.world.baseUrl, lines.join('\r\n'));
  const body = () => JSON.stringify(authorizedRequest({ subject }));
  /** A POST whose headers end with the given ones. */
  const post = (content: string, ...headers: string[]) =>
    raw(
      'POST /authorizations HTTP/1.1',
      'Host: x',
      `Authorization: ${authorization}`,
      'Content-Type: application/json',
      ...headers,
      '',
      content,
    );
  const get = (target: string, ...headers: string[]) =>
    raw(`GET ${target} HTTP/1.1`, 'Host: x', ...headers, 'Connection: close', '', '');

  describe('what every answer carries', () => {
    it.each([
      ['GET', '/health/live', 200],
      ['GET', '/health/ready', 200],
      ['GET', '/metrics', 200],
      ['GET', '/api-docs', 200],
      ['GET', '/api-docs-json', 200],
      ['GET', '/api-docs/swagger-ui.css', 200],
      ['GET', '/asyncapi.json', 200],
      ['GET', '/', 404],
      ['GET', '/favicon.ico', 404],
      ['GET', '/%zz', 400],
      ['POST', '/authorizations', 401],
      ['DELETE', '/authorizations', 405],
      ['OPTIONS', '/health/live', 405],
    ])('%s %s: the security headers and the two ids as they were sent', async (method, path, status) => {
      const answer = await service.send(method, path, {
        'MedMij-Request-ID': 'request-1',
        'X-Correlation-ID': 'talk~1',
      });
      expect(answer.status).toBe(status);
      expectEdgeHeaders((name) => answer.headers.get(name) ?? undefined);
      expect(answer.headers.get('medmij-request-id')).toBe('request-1');
      expect(answer.headers.get('x-correlation-id')).toBe('talk~1');
    });

    it('ids of its own where none were sent, other ones each time', async () => {
      const seen = new Set<string | null>();
      for (const path of ['/health/live', '/health/live', '/nothing', '/%zz']) {
        const { headers } = await service.send('GET', path, {});
        seen.add(headers.get('medmij-request-id')).add(headers.get('x-correlation-id'));
      }
      expect(seen.size).toBe(8);
    });

    it('a policy under which the page of /api-docs still works, and no other page', async () => {
      const page = await service.send('GET', '/api-docs', {});
      const policy = page.headers.get('content-security-policy')!;
      expect(policy).toContain("script-src 'self'");
      expect(policy).toContain("style-src 'self' 'unsafe-inline'");
      expect(policy).not.toContain("script-src 'self' 'unsafe-inline'");
      // What the page loads is ours, and no script stands in it.
      for (const [, address] of page.text.matchAll(/(?:src|href)="([^"]+)"/g))
        expect(address).toMatch(/^\.?\/api-docs\//);
      expect(page.text.match(/<script(?![^>]*\bsrc=)[^>]*>\s*[^<\s]/)).toBeNull();
      const other = await service.send('GET', '/health/live', {});
      expect(other.headers.get('content-security-policy')).not.toContain('self');
    });
  });

  describe('paths and methods', () => {
    it.each([
      '/',
      '/authorization',
      '/authorizations/',
      '/Authorizations',
      '//authorizations',
      '/op',
      '/ops/api',
      '/health/live/',
    ])('there is nothing at %s', async (path) => {
      const [answer] = await get(path);
      expectProblem(answer!, 'not_found');
      expect(answer!.headers.has('allow')).toBe(false);
    });

    it.each([
      ['GET', '/authorizations', 'POST'],
      ['PUT', '/authorizations?x=1', 'POST'],
      ['DELETE', '/health/live', 'GET, HEAD'],
      ['OPTIONS', '/authorizations', 'POST'],
      ['PATCH', '/ops/api/subscriptions/x', 'GET, HEAD'],
      ['GET', '/ops/api/deliveries/x/retry', 'POST'],
      ['PROPFIND', '/authorizations', 'POST'],
      ['TRACE', '/authorizations', 'POST'],
      ['M-SEARCH', '/authorizations', 'POST'],
      ['PURGE', '/health/live', 'GET, HEAD'],
    ])('%s is not for %s', async (method, path, allow) => {
      const [answer] = await raw(`${method} ${path} HTTP/1.1`, 'Host: x', 'Connection: close', '', '');
      expectProblem(answer!, 'method_not_allowed');
      expect(answer!.headers.get('allow')).toBe(allow);
    });

    it.each([
      ['//', 'not_found'],
      ['//evil.example/health/live', 'not_found'],
      ['///', 'not_found'],
      ['/health//live', 'not_found'],
      ['/health/./live', 'not_found'],
      ['/ops/../health/live', 'not_found'],
      ['/api-docs/../../package.json', 'not_found'],
      ['/api-docs/..%2f..%2f..%2f..%2fpackage.json', 'not_found'],
      ['/api-docs/%2e%2e/%2e%2e/package.json', 'not_found'],
      ['/api-docs/..%5c..%5cpackage.json', 'not_found'],
      ['/api-docs/%00', 'not_found'],
      ['/health/live%00', 'not_found'],
      ['/health/live%2f', 'not_found'],
      ['/health/live;x=1', 'not_found'],
      ['/%', 'malformed_request'],
      ['/%c0%af', 'malformed_request'],
      ['*', 'not_found'],
      ['http://evil.example/nothing', 'not_found'],
      ['http://[/', 'not_found'],
      [`/${'a'.repeat(10_000)}`, 'not_found'],
      [`/${'a/'.repeat(5_000)}`, 'not_found'],
    ] as const)('%s leads nowhere', async (target, code) => {
      const [answer] = await get(target);
      // The serving of files names what is wrong with a path of dots as forbidden or malformed; nothing but that it is refused matters.
      expect([400, 403, 404]).toContain(answer!.status);
      if (!target.startsWith('/api-docs')) expectProblem(answer!, code);
      else expectEdgeHeaders((name) => answer!.headers.get(name));
      expect(answer!.text).not.toContain('medmij-subscriptions"');
    });

    it('the absolute form is the path in it', async () => {
      expect((await get('http://evil.example/health/live'))[0]!.status).toBe(200);
      const [answer] = await raw(
        'DELETE http://evil.example/health/live HTTP/1.1',
        'Host: x',
        'Connection: close',
        '',
        '',
      );
      expectProblem(answer!, 'method_not_allowed');
      expect(answer!.text).not.toContain('evil');
    });

    it('a person in a path or a query stands in no answer and in no line', async () => {
      for (const target of [`/${subject}`, `/health/live/${subject}`, `/${subject}%`, `/nothing?subject=${subject}`]) {
        const [answer] = await get(target);
        expect(answer!.status).toBeLessThan(500);
        expect(answer!.text).not.toContain(subject);
      }
    });
  });

  describe('ids that are none', () => {
    it.each([
      ['a space', 'a b'],
      ['nothing', ''],
      ['129 characters', 'a'.repeat(129)],
      ['10 kB', 'a'.repeat(10_000)],
      ['a tab', 'a\tb'],
      ['other than ASCII', 'caf\u00e9'],
      ['a person and a space', `${subject} x`],
    ])('%s is refused, and fresh ids come back', async (_what, id) => {
      for (const name of ['MedMij-Request-ID', 'X-Correlation-ID']) {
        const [answer] = await sendBytes(
          service.world.baseUrl,
          Buffer.from(`GET /health/live HTTP/1.1\r\nHost: x\r\n${name}: ${id}\r\nConnection: close\r\n\r\n`, 'latin1'),
        );
        expectProblem(answer!, 'malformed_request', { subject });
        expect(answer!.headers.get(name.toLowerCase())).toMatch(/^[0-9a-f-]{36}$/);
      }
    });

    it('the same header twice is refused', async () => {
      const [answer] = await get('/health/live', 'X-Correlation-ID: a', 'X-Correlation-ID: b');
      expectProblem(answer!, 'malformed_request');
    });

    it.each([
      ['a bare CR', 'a\rSet-Cookie: evil=1'],
      ['a bare LF', 'a\nb c: evil=1'],
      ['a NUL', 'a\0b'],
      ['a folded line', 'a\r\n b'],
      ['another byte that has no place there', 'a\x01b'],
    ])('%s in one makes no header of the answer', async (_what, id) => {
      const answers = await get('/health/live', `X-Correlation-ID: ${id}`);
      expect(answers).toHaveLength(1);
      expectProblem(answers[0]!, 'malformed_request');
      expect(answers[0]!.headers.has('set-cookie')).toBe(false);
    });

    it('an encoded line break is just text', async () => {
      const [answer] = await get('/health/live', 'X-Correlation-ID: a%0d%0aSet-Cookie:evil=1');
      expect(answer!.status).toBe(200);
      expect(answer!.headers.has('set-cookie')).toBe(false);
    });
  });

  describe('requests that a proxy and we could read in two ways', () => {
    const smuggled = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
    it.each<[string, string[], string]>([
      ['both lengths', ['Content-Length: 4', 'Transfer-Encoding: chunked'], `0\r\n\r\n${smuggled}`],
      ['both, the other way round', ['Transfer-Encoding: chunked', 'Content-Length: 4'], `0\r\n\r\n${smuggled}`],
      ['two lengths', ['Content-Length: 2', 'Content-Length: 40'], `{}${smuggled}`],
      ['two equal lengths', ['Content-Length: 2', 'Content-Length: 2'], `{}${smuggled}`],
      ['a list of lengths', ['Content-Length: 2, 2'], `{}${smuggled}`],
      ['a signed length', ['Content-Length: +2'], `{}${smuggled}`],
      ['a negative length', ['Content-Length: -2'], `{}${smuggled}`],
      ['a hexadecimal length', ['Content-Length: 0x2'], `{}${smuggled}`],
      ['a length beyond numbers', [`Content-Length: ${'9'.repeat(40)}`], `{}${smuggled}`],
      ['chunked twice', ['Transfer-Encoding: chunked, chunked'], `0\r\n\r\n${smuggled}`],
      ['chunked and not last', ['Transfer-Encoding: chunked, identity'], `0\r\n\r\n${smuggled}`],
      ['another coding', ['Transfer-Encoding: xchunked'], `0\r\n\r\n${smuggled}`],
      ['a space before the colon', ['Transfer-Encoding : chunked'], `0\r\n\r\n${smuggled}`],
      ['a chunk size that is none', ['Transfer-Encoding: chunked'], `xyz\r\n{}\r\n0\r\n\r\n${smuggled}`],
      [
        'a chunk size beyond numbers',
        ['Transfer-Encoding: chunked'],
        `${'f'.repeat(20)}\r\n{}\r\n0\r\n\r\n${smuggled}`,
      ],
      ['a negative chunk', ['Transfer-Encoding: chunked'], `-1\r\n{}\r\n0\r\n\r\n${smuggled}`],
      ['a chunk longer than it says', ['Transfer-Encoding: chunked'], `1\r\n{}\r\n0\r\n\r\n${smuggled}`],
      ['a chunk ended by LF', ['Transfer-Encoding: chunked'], `2\n{}\n0\n\n${smuggled}`],
      ['a header without a colon', ['Nonsense'], smuggled],
      ['a space in a name', ['X Y: z'], smuggled],
    ])('%s: refused, and what follows is not answered', async (_what, headers, content) => {
      const answers = await post(content, ...headers);
      expect(answers).toHaveLength(1);
      expectProblem(answers[0]!, 'malformed_request', { subject });
      expect(answers[0]!.headers.get('connection')).toBe('close');
    });

    it.each<[string, string]>([
      ['no HTTP', `${'\x16\x03\x01'}\u0000`],
      ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
      ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
      ['HTTP/0.9', 'GET /health/live\r\n\r\n'],
      ['a later HTTP', 'GET /health/live HTTP/9.9\r\nHost: x\r\n\r\n'],
      ['a method nobody knows', 'FROBNICATE /health/live HTTP/1.1\r\nHost: x\r\n\r\n'],
      ['a method in lower case', 'get /health/live HTTP/1.1\r\nHost: x\r\n\r\n'],
      ['a method of 10 kB', `${'A'.repeat(10_000)} / HTTP/1.1\r\nHost: x\r\n\r\n`],
      ['a space in the target', 'GET /health /live HTTP/1.1\r\nHost: x\r\n\r\n'],
      ['a NUL in the target', 'GET /health/live\u0000 HTTP/1.1\r\nHost: x\r\n\r\n'],
      ['headers of 20 kB', `GET /health/live HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`],
      [
        'fifteen hundred headers of 20 bytes',
        `GET /health/live HTTP/1.1\r\nHost: x\r\n${'X-Header: 12345678\r\n'.repeat(1_500)}\r\n`,
      ],
      ['a target of 20 kB', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
    ])('%s', async (_what, bytes) => {
      const answers = await sendBytes(service.world.baseUrl, Buffer.from(bytes, 'latin1'));
      expect(answers).toHaveLength(1);
      expectProblem(answers[0]!, 'malformed_request');
    });

    it.each<[string, string[]]>([
      ['no Host', []],
      ['two Hosts', ['Host: x', 'Host: y']],
      ['two content types', ['Host: x', 'Content-Type: text/plain', 'Content-Type: application/json']],
      ['two encodings', ['Host: x', 'Content-Encoding: identity', 'Content-Encoding: gzip']],
    ])('%s', async (_what, headers) => {
      const answers = await raw('GET /health/live HTTP/1.1', ...headers, 'Connection: close', '', '');
      expect(answers).toHaveLength(1);
      expectProblem(answers[0]!, 'malformed_request');
    });

    it('while an honest chunked request is understood', async () => {
      const content = JSON.stringify({ ...authorizedRequest({ subject }), scope: 'none' });
      const chunks = `1\r\n${content[0]}\r\n${(content.length - 1).toString(16)}\r\n${content.slice(1)}\r\n0\r\n\r\n`;
      const [answer] = await post(chunks, 'Transfer-Encoding: chunked', 'Connection: close');
      expectProblem(answer!, 'scope_invalid', { subject });
      const [continued] = await post(
        content,
        `Content-Length: ${content.length}`,
        'Expect: 100-continue',
        'Connection: close',
      );
      expectProblem(continued!, 'scope_invalid', { subject });
    });

    it('pipelined requests are each answered, in order, and a broken one ends it', async () => {
      const one = (target: string) => `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`;
      const answers = await sendBytes(
        service.world.baseUrl,
        `${one('/nothing')}${one('/health/live')}NONSENSE\r\n\r\n${one('/metrics')}`,
      );
      expect(answers.map(({ status }) => status).slice(0, 1)).not.toContain(200);
      expect(answers.length).toBeLessThanOrEqual(3);
      expect(answers.every(({ text }) => !text.includes('# HELP'))).toBe(true);
    });

    it('a connection that goes away in the middle troubles nobody', async () => {
      for (const cut of [1, 20, 100, 300]) {
        const socket = await openSocket(service.world.baseUrl);
        const content = body();
        const bytes = `POST /authorizations HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\nContent-Length: ${content.length}\r\n\r\n${content}`;
        socket.write(bytes.slice(0, Math.min(cut, bytes.length - 10)));
        socket.destroy();
      }
      expect((await service.send('GET', '/health/live', {})).status).toBe(200);
    });
  });

  describe('those who are slow', () => {
    it('get 10 s for their headers, on a thousand other connections or not', async () => {
      const socket = await openSocket(service.world.baseUrl);
      const received = collect(socket, 20_000);
      const started = performance.now();
      socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\n');
      const drip = setInterval(() => socket.write('X: y\r\n'), 500);
      const [answer] = readAnswers(await received);
      clearInterval(drip);
      expect(performance.now() - started).toBeLessThan(15_000);
      expectProblem(answer!, 'unavailable');
      expect(answer!.headers.get('retry-after')).toBe('1');
    });
  });

  describe('too many at once', () => {
    const sockets: Socket[] = [];
    afterAll(() => sockets.forEach((socket) => socket.destroy()));

    it('the one after the thousandth is told to come back, health is still answered, and later all is well', async () => {
      const head = `POST /authorizations HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n`;
      for (let count = 0; count < 1_000; count += 100) {
        sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => openSocket(service.world.baseUrl)))));
      }
      sockets.forEach((socket) => socket.write(head));
      const refused = await eventually(async () => {
        const answer = await service.send('GET', '/ops/api/lists', {});
        expect(answer.status).toBe(503);
        return answer;
      });
      expectProblem(refused, 'unavailable');
      expect(refused.headers.get('retry-after')).toBe('1');
      const started = performance.now();
      const content = body();
      const early = await openSocket(service.world.baseUrl);
      const received = collect(early);
      // Only the headers are sent: the answer does not wait for the body.
      early.write(
        `POST /authorizations HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\nContent-Length: ${content.length}\r\nConnection: close\r\n\r\n`,
      );
      const [answer] = readAnswers(await received);
      expectProblem(answer!, 'unavailable', { subject });
      expect(performance.now() - started).toBeLessThan(5_000);
      expect((await service.send('GET', '/health/live', {})).status).toBe(200);
      expect((await service.send('GET', '/health/ready', {})).status).toBe(200);

      for (const socket of sockets.splice(0)) socket.destroy();
      await eventually(async () => expect((await service.send('GET', '/ops/api/lists', {})).status).toBe(401));
    });
  });

  it('has left nothing behind, and no line of the log names a person', async () => {
    expect(await recorded(service.world)).toEqual(nothingRecorded);
    expectQuietLog(service.world, subject);
  });

  it('finishes what it has in hand when it stops, and sends the rest away with a problem document', async () => {
    const person = somePerson();
    const content = JSON.stringify(authorizedRequest({ subject: person }));
    const head = (length: number) =>
      `POST /authorizations HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
    const socket = await openSocket(service.world.baseUrl);
    const received = collect(socket, 25_000);
    socket.write(head(content.length) + content.slice(0, 20));
    await eventually(() => expect(socket.bytesWritten).toBeGreaterThan(20));
    const server = service.world.app.getHttpServer() as { listening: boolean };
    const restarted = service.restart();
    await eventually(() => expect(server.listening).toBe(false));
    socket.write(
      `${content.slice(20)}${head(content.length)}${content}GET /health/live HTTP/1.1\r\nHost: x\r\nX-Correlation-ID: ${randomUUID()}\r\n\r\n`,
    );
    const [first, ...others] = readAnswers(await received);
    expect([first!.status, first!.headers.get('connection')]).toEqual([201, 'close']);
    for (const other of others) expectProblem(other, 'unavailable', { subject: person });
    await restarted;
    expect((await recorded(service.world)).event).toBe(1);
    expectQuietLog(service.world, person);
  });
});
