import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { collect, expectProblem, openSocket, readAnswers } from '../../test/contract/attack';
import { eventually } from '../../test/support/eventually';
import { createLogger } from '../platform';
import { createHttpEdge } from './server';

describe('the limits of the HTTP edge', () => {
  let fastify: FastifyInstance;
  let baseUrl: string;
  let release: () => void = () => undefined;
  beforeAll(async () => {
    const log = createLogger('info', { write: () => undefined });
    const { adapter } = createHttpEdge('https://subscriptions.example', log, undefined, undefined, {
      requestsInFlightMax: 2,
      connectionsMax: 4,
      headersTimeoutMs: 200,
      requestTimeoutMs: 400,
      timeoutsCheckedEveryMs: 20,
      keepAliveTimeoutMs: 200,
    });
    fastify = adapter.getInstance<FastifyInstance>();
    fastify.post('/things', () => ({}));
    fastify.get('/slow', () => new Promise((resolve) => (release = () => resolve({}))));
    fastify.get('/health/live', () => ({}));
    baseUrl = await fastify.listen({ port: 0, host: '127.0.0.1' });
  });
  afterAll(() => fastify.close());

  const send = async (bytes: string) => {
    const socket = await openSocket(baseUrl);
    const received = collect(socket, 5_000);
    socket.write(bytes);
    return readAnswers(await received);
  };
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;

  it.each([
    ['a request that stops within its headers', 'GET /health/live HTTP/1.1\r\nHost: x\r\n'],
    [
      'one that stops within its body',
      'POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a"',
    ],
    [
      'one that stops within a chunk',
      'POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"a"',
    ],
  ])('end %s, with word that it may be sent again', async (_what, bytes) => {
    const answers = await send(bytes);
    expect(answers).toHaveLength(1);
    expectProblem(answers[0]!, 'unavailable');
    expect(answers[0]!.headers.get('connection')).toBe('close');
  });

  it('end a connection that is not used', async () => {
    const [answer, ...others] = await send('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
    expect([answer!.status, others]).toEqual([200, []]);
  });

  it('end a connection above the number of connections at once', async () => {
    const held = await Promise.all([1, 2, 3, 4].map(() => openSocket(baseUrl)));
    const one = await openSocket(baseUrl);
    expect((await collect(one, 5_000)).length).toBe(0);
    held.forEach((socket) => socket.destroy());
    await eventually(async () => expect((await send(get('/health/live')))[0]?.status).toBe(200));
  });

  it('turn away the request above the number in hand, while health is answered', async () => {
    const inHand: Promise<unknown>[] = [];
    const releases: (() => void)[] = [];
    for (let count = 0; count < 2; count += 1) {
      const before = release;
      inHand.push(send(get('/slow')));
      await eventually(() => expect(release).not.toBe(before));
      releases.push(release);
    }
    const [answer] = await send(get('/slow'));
    expectProblem(answer!, 'unavailable');
    expect((await send(get('/health/live')))[0]!.status).toBe(200);
    releases.forEach((releaseOne) => releaseOne());
    expect(await Promise.all(inHand)).toMatchObject([[{ status: 200 }], [{ status: 200 }]]);
    const next = send(
      'POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
    );
    expect((await next)[0]!.status).toBe(200);
  });
});
