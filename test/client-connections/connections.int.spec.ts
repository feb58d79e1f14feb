import { rename, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { listStaleAfterS } from '../../src/medmij-lists/list.store';
import { Lists } from '../../src/medmij-lists/lists';
import { eventually } from '../support/eventually';
import { ConnectionsWorld } from './connections-world';
import { answer, type Receiver } from './receiver';

const host = 'app.example';
const day = 86_400_000;
const delivered = { kind: 'answered', status: 204 };

describe('the connections to a client', () => {
  let world: ConnectionsWorld;
  let receiver: Receiver;
  beforeEach(async () => {
    world = await ConnectionsWorld.start();
    await world.list([host]);
    receiver = await world.receiver(host);
  });
  afterEach(() => world.stop());

  const sends = (times: number) => Promise.all(Array.from({ length: times }, () => world.send(host)));
  const calls = (connection: string) => world.figure(`medmij_client_calls_total{connection="${connection}"}`);
  const handshakes = (session: string) => world.figure(`medmij_client_handshakes_total{session="${session}"}`);
  const open = (what: string) => world.figure(`medmij_client_connections{what="${what}"}`);

  it('are kept and used again, under our certificate and in HTTP/1.1; the metrics tell how often', async () => {
    for (let time = 0; time < 10; time += 1) expect(await world.send(host)).toMatchObject(delivered);
    expect(receiver.calls.map(({ sender }) => sender)).toEqual(Array(10).fill('medmij-subscriptions'));
    expect(receiver.calls[0]!.head).toMatch(/^POST \/subscriptions\/Notification HTTP\/1\.1\r\nhost: app\.example\r\n/);
    // A call in the very tick in which another ends finds that connection still taken: there may be a second one.
    const connections = receiver.handshakes.length;
    expect(connections).toBeLessThanOrEqual(2);
    expect([await calls('new'), await calls('reused')]).toEqual([connections, 10 - connections]);
    expect([await open('pools'), await open('sockets')]).toEqual([1, connections]);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('resume the session of an earlier one, under %s', async (version) => {
    const resuming = 'resuming.example';
    await world.list([resuming]);
    const server = await world.receiver(resuming, { tls: { minVersion: version, maxVersion: version } });
    server.behave((socket) => void socket.end(answer('204 No Content', { connection: 'close' })));
    for (let time = 0; time < 4; time += 1) {
      expect(await world.send(resuming)).toMatchObject(delivered);
      await eventually(() => expect(server.openSockets).toBe(0));
    }
    expect(server.handshakes).toEqual(['full', 'resumed', 'resumed', 'resumed']);
    expect(server.calls.map(({ sender }) => sender)).toEqual(Array(4).fill('medmij-subscriptions'));
    expect([await handshakes('full'), await handshakes('resumed')]).toEqual([1, 3]);
  });

  it('do not resume a session whose certificate has come to its end meanwhile', async () => {
    const ending = 'ending.example';
    const minute = 60_000;
    const inMinutes = (minutes: number) => new Date(Date.now() + minutes * minute);
    await world.list([ending], [ending], inMinutes(60));
    const server = await world.receiver(ending, { certificate: { notAfter: inMinutes(20) } });
    server.behave((socket) => void socket.end(answer('204 No Content', { connection: 'close' })));
    const send = async () => {
      expect(await world.send(ending)).toMatchObject(delivered);
      await eventually(() => expect(server.openSockets).toBe(0));
    };
    await send();
    world.clock.advance(19 * minute);
    await send();
    world.clock.advance(2 * minute);
    await send();
    expect(server.handshakes).toEqual(['full', 'resumed', 'full']);
  });

  it('follow a new certificate of ours without a restart: the next call shows it, the old sockets end', async () => {
    let finish: () => void = () => undefined;
    receiver.behave((socket, { body }) => {
      const reply = () => void socket.write(answer('204 No Content'));
      if (body.includes('slow')) finish = reply;
      else reply();
    });
    await world.send(host);
    const slow = world.send(host, { subscription_id: 'slow' });
    await eventually(() => expect(receiver.calls.length).toBe(2));
    const endsAt = () => world.figure('medmij_client_certificate_expiry_timestamp_seconds');
    expect((await endsAt()) * 1_000).toBeGreaterThan(world.clock.now().getTime());
    await world.identify('renewed');
    await eventually(async () => {
      await world.send(host);
      expect(receiver.calls.at(-1)!.sender).toBe('renewed');
    });
    expect(receiver.handshakes.at(-1)).toBe('full');
    // What is under way under the old certificate comes to its end under it.
    finish();
    expect(await slow).toMatchObject(delivered);
    await eventually(async () => expect([receiver.openSockets, await open('pools')]).toEqual([1, 1]));
  });

  it('go on with the old pair while only half of the new one is there', async () => {
    await world.send(host);
    await rename(world.file('crt'), world.file('crt.old'));
    await writeFile(world.file('crt'), (await world.certificate('half')).certificate);
    await eventually(async () => {
      expect(await world.connections.client.heldBackBy(world.clock.now())).toBeUndefined();
      expect(await world.send(host)).toMatchObject(delivered);
    });
    expect(new Set(receiver.calls.map(({ sender }) => sender))).toEqual(new Set(['medmij-subscriptions']));
  });

  it.each<[string, (hosts: ConnectionsWorld) => Promise<void>, string]>([
    ['the whitelist', (at) => at.list([host], []), 'host_not_whitelisted'],
    ['the client list', (at) => at.list([], [host]), 'host_not_listed'],
  ])('end as soon as the name leaves %s, calls under way included, and none is made', async (_, leave, error) => {
    receiver.behave((socket, { body }) => {
      if (!body.includes('slow')) socket.write(answer('204 No Content'));
    });
    await sends(3);
    const slow = world.send(host, { subscription_id: 'slow' });
    await eventually(() => expect(receiver.calls.length).toBe(4));
    const leftAtMs = performance.now();
    await leave(world);
    expect(await slow).toEqual({ kind: 'failed', error });
    await eventually(() => expect(receiver.openSockets).toBe(0));
    expect(performance.now() - leftAtMs).toBeLessThan(4_000);
    const handshakesBefore = receiver.handshakes.length;
    expect(await world.send(host)).toEqual({ kind: 'failed', error });
    expect(receiver.handshakes).toHaveLength(handshakesBefore);
    await world.list([host]);
    expect(await world.send(host)).toMatchObject(delivered);
  });

  it('are not made when the name leaves the list between the call and the handshake', async () => {
    // Nothing of the world outside can be timed to fall between the two, so the first look is made to see what was before.
    const isWhitelisted = jest.spyOn(Lists.prototype, 'isWhitelisted').mockReturnValueOnce(true);
    await world.list([host], []);
    expect(await world.send(host)).toEqual({ kind: 'failed', error: 'host_not_whitelisted' });
    expect(receiver.handshakes).toEqual([]);
    isWhitelisted.mockRestore();
  });

  describe('are not made, nothing is sent and the reason is told', () => {
    const isHeldBack = async (reason: RegExp) => {
      await eventually(async () =>
        expect(await world.connections.client.heldBackBy(world.clock.now())).toMatch(reason),
      );
      const before = receiver.calls.length;
      expect(await world.send(host)).toEqual({ kind: 'held_back', reason: expect.stringMatching(reason) });
      expect(receiver.calls.length).toBe(before);
      await eventually(() => expect(receiver.openSockets).toBe(0));
    };

    it('without a key of ours', async () => {
      await world.send(host);
      await rename(world.file('key'), world.file('key.away'));
      await isHeldBack(/file of our client certificate is missing/);
    });

    it('when our certificate has expired', async () => {
      await world.send(host);
      const past = { notBefore: new Date(Date.now() - 2 * day), notAfter: new Date(Date.now() - day) };
      await world.identify('late', past);
      await isHeldBack(/has expired/);
    });

    it('when our certificate is not valid yet', async () => {
      await world.identify('early', { notBefore: new Date(Date.now() + day) });
      await isHeldBack(/not valid yet/);
    });

    it('while a list is stale', async () => {
      await world.send(host);
      world.clock.advance((listStaleAfterS + 1) * 1_000);
      await isHeldBack(/the list clients, whitelist is stale/);
      await world.list([host]);
      expect(await world.send(host)).toMatchObject(delivered);
    });
  });

  it('to a name that leads to a private address are not made', async () => {
    await world.list([host, 'localhost']);
    expect(await world.send('localhost')).toEqual({ kind: 'failed', error: 'private_address' });
  });

  it('come to an end when the service stops, whatever is under way', async () => {
    receiver.behave(() => undefined);
    const under = sends(3);
    await eventually(() => expect(receiver.calls.length).toBe(3));
    await world.connections.stop();
    for (const got of await under) expect(got.kind).toBe('failed');
    await eventually(() => expect(receiver.openSockets).toBe(0));
  });
});
