import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestService } from '../support/app';

describe('a service that stops', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
  });
  afterAll(() => service.stop());

  const open = (...texts: string[]) =>
    new Promise<Socket>((resolve, reject) => {
      const socket = connect(Number(new URL(service.world.baseUrl).port), '127.0.0.1', () => {
        for (const text of texts) socket.write(text);
        resolve(socket);
      });
      socket.once('error', reject);
      socket.resume();
    });

  // Seen with a browser: it opens connections in advance, and the shutdown waited until it was ended by force.
  it('does not wait for connections on which nothing was asked, or only half', async () => {
    const silent = await open();
    const half = await open('GET /health/live HT');
    const kept = await open('GET /health/live HTTP/1.1\r\nhost: here\r\n\r\n');
    const ended = Promise.all(
      [silent, half, kept].map((socket) => new Promise((resolve) => socket.once('close', resolve))),
    );
    expect((await service.get('/health/live')).status).toBe(200);
    const before = performance.now();
    const restarted = service.restart();
    await ended;
    // The limit for a request to arrive is ten seconds and more: far less than that, whatever else the machine does.
    expect(performance.now() - before).toBeLessThan(9_000);
    await restarted;
  });
});
