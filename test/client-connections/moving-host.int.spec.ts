import dns, { Resolver } from 'node:dns/promises';
import type { LookupAddress } from 'node:dns';
import tls from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { decideLook, type EndpointState } from '../../src/endpoint-watch/endpoint-watch.decider';
import { ConnectionsWorld } from './connections-world';
import { answer, type Receiver, type ReceiverOptions } from './receiver';

const host = 'moving.example';
const here = '93.184.215.14';
const there = '93.184.215.15';
const ours = '10.1.2.3';
const pinnedMs = 30_000;
const delivered = { kind: 'answered', status: 204 };
const refused = { kind: 'failed', error: 'private_address' };

/** Name servers and the way to public addresses are played; all else is real: sockets, handshakes, certificates. */
describe('a client whose name leads elsewhere', () => {
  let world: ConnectionsWorld;
  let lookup: jest.SpiedFunction<typeof dns.lookup>;
  /** Every address that a socket was opened to, in order. */
  let visited: string[];
  let internet: Record<string, Receiver>;
  let passedMs: number;

  beforeEach(async () => {
    world = await ConnectionsWorld.start();
    await world.list([host]);
    internet = { [here]: await receiver(), [there]: await receiver(), [ours]: await receiver() };
    visited = [];
    lookup = jest.spyOn(dns, 'lookup');
    leadsTo(here);
    const connect = tls.connect;
    const travel = (options: tls.ConnectionOptions) => {
      let found: LookupAddress[] = [];
      options.lookup!(host, { all: true }, (_, addresses) => (found = addresses as LookupAddress[]));
      const { address } = found[0]!;
      visited.push(address);
      return connect({ ...options, lookup: undefined, host: '127.0.0.1', port: internet[address]!.port });
    };
    jest.spyOn(tls, 'connect').mockImplementation(travel as never);
    passedMs = 0;
    const now = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => now() + passedMs);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await world.stop();
  });

  const receiver = async (options: Partial<ReceiverOptions> = {}) => {
    const made = await world.receiver(host, options);
    // It is found by its address only.
    delete world.hostAddresses[host];
    return made;
  };
  const leadsTo = (...addresses: string[]) =>
    void lookup.mockResolvedValue(addresses.map((address) => ({ address, family: 4 })) as never);
  const failures = (kind: string) => world.figure(`medmij_client_connection_failures_total{kind="${kind}"}`);
  /** Each call comes over a connection of its own. */
  const closing = () =>
    Object.values(internet).forEach((one) =>
      one.behave((socket) => void socket.end(answer('204 No Content', { connection: 'close' }))),
    );

  it('is called where its name leads now, half a minute later at most', async () => {
    closing();
    expect(await world.send(host)).toMatchObject(delivered);
    leadsTo(there);
    expect(await world.send(host)).toMatchObject(delivered);
    expect(visited).toEqual([here, here]);
    passedMs += pinnedMs + 1_000;
    expect(await world.send(host)).toMatchObject(delivered);
    expect(visited).toEqual([here, here, there]);
    expect([internet[here]!.calls.length, internet[there]!.calls.length]).toEqual([2, 1]);
  });

  it.each([[[ours]], [[there, ours]]])('is not called any more when its name leads to %j', async (addresses) => {
    closing();
    expect(await world.send(host)).toMatchObject(delivered);
    leadsTo(...addresses);
    passedMs += pinnedMs + 1_000;
    for (let time = 0; time < 3; time += 1) expect(await world.send(host)).toEqual(refused);
    expect(visited).toEqual([here]);
    expect(internet[ours]!.openSockets).toBe(0);
    expect(await failures('private_address')).toBe(3);
    leadsTo(there);
    expect(await world.send(host)).toMatchObject(delivered);
  });

  it.each(['ENOTFOUND', 'EAI_AGAIN'])('is tried again when its name is not found (%s)', async (code) => {
    lookup.mockRejectedValueOnce(Object.assign(new Error('not found'), { code }));
    expect(await world.send(host)).toEqual({ kind: 'failed', error: code });
    expect([visited, await failures('name_not_found')]).toEqual([[], 1]);
    expect(await world.send(host)).toMatchObject(delivered);
  });

  it('is called at the address that was looked at, though its name server says another one each time', async () => {
    closing();
    lookup.mockReset();
    lookup.mockResolvedValueOnce([{ address: here, family: 4 }] as never);
    leadsTo(ours);
    expect(await world.send(host)).toMatchObject(delivered);
    expect(await world.send(host)).toMatchObject(delivered);
    expect([visited, lookup.mock.calls.length]).toEqual([[here, here], 1]);
  });

  it('keeps a connection that was made before for five minutes, and none after that', async () => {
    expect(await world.send(host)).toMatchObject(delivered);
    leadsTo(ours);
    passedMs += pinnedMs + 1_000;
    expect(await world.send(host)).toMatchObject(delivered);
    const now = Date.now.bind(Date);
    jest.spyOn(Date, 'now').mockImplementation(() => now() + 301_000);
    expect(await world.send(host)).toEqual(refused);
    expect(visited).toEqual([here]);
  });

  describe('in the eyes of the watch', () => {
    const origin = `https://${host}`;
    const alias = (cname: string | Error) => {
      const resolve = jest.spyOn(Resolver.prototype, 'resolveCname');
      if (cname instanceof Error) resolve.mockRejectedValue(cname);
      else resolve.mockResolvedValue([cname]);
    };
    /** What a look says, and the state it leaves. */
    const look = async (state: EndpointState) => {
      const found = await world.connections.probe.look(origin);
      if (found.kind === 'held_back') throw new Error(found.reason);
      return decideLook(state, found, 'alert', new Date());
    };

    it('is as before behind another address of the same alias, and changed behind another alias', async () => {
      alias('Edge.example');
      const first = await look({});
      expect(first.finding).toEqual({ kind: 'baseline' });
      expect(first.state.baseline).toMatchObject({ names: [host], cname: 'edge.example' });
      leadsTo(there);
      const moved = await look(first.state);
      expect(moved.finding).toEqual({ kind: 'as_before' });
      alias('elsewhere.example');
      expect((await look(moved.state)).finding).toEqual({ kind: 'changed', changes: ['cname'], isNew: true });
      alias(Object.assign(new Error('no alias'), { code: 'ENODATA' }));
      expect((await look(moved.state)).finding).toEqual({ kind: 'changed', changes: ['cname'], isNew: true });
      alias(Object.assign(new Error('silent'), { code: 'ETIMEOUT' }));
      expect((await look(moved.state)).finding).toEqual({ kind: 'as_before' });
      expect(visited).toEqual([here, there, there, there, there]);
    });

    it('is not looked at where its name leads to a private address, and not suspended for it', async () => {
      alias('edge.example');
      const { state } = await look({});
      leadsTo(ours);
      expect(await world.connections.probe.look(origin)).toEqual({ kind: 'unreachable', error: 'private_address' });
      expect((await look(state)).finding).toEqual({ kind: 'unreachable' });
      expect(visited).toEqual([here]);
    });
  });
});
