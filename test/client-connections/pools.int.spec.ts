import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { eventually } from '../support/eventually';
import { ConnectionsWorld } from './connections-world';
import { answer, type ReceivedCall, type Receiver } from './receiver';

const minuteMs = 60_000;
const idleMs = 15_000;
const delivered = { kind: 'answered', status: 204 };
const socketsMax = 32;
const poolsMax = 500;

/** Each has its own receiver. */
const names = ['hinting', 'busy', 'beside', 'aging', 'unused', 'oldest', 'kept'] as const;
type Name = (typeof names)[number] | 'idle';

describe('the connections that are kept to an origin', () => {
  let world: ConnectionsWorld;
  /** Called once, and then left alone while the others have their turn. */
  let resting: ConnectionsWorld;
  const receivers = {} as Record<Name, Receiver>;
  let closedAfterMs: Promise<number>;
  const hostOf = (name: Name) => `${name}.example`;
  const send = (name: Name) => world.send(hostOf(name));
  const others = Array.from({ length: poolsMax }, (_, n) => `other-${n}.example`);

  beforeAll(async () => {
    world = await ConnectionsWorld.start();
    await world.list([...names.map(hostOf), ...others]);
    for (const name of names) receivers[name] = await world.receiver(hostOf(name));
    resting = await ConnectionsWorld.start();
    await resting.list([hostOf('idle')]);
    receivers.idle = await resting.receiver(hostOf('idle'));
    expect(await resting.send(hostOf('idle'))).toMatchObject(delivered);
    const sinceMs = performance.now();
    expect(receivers.idle.openSockets).toBe(1);
    closedAfterMs = eventually(() => expect(receivers.idle.openSockets).toBe(0)).then(
      () => performance.now() - sinceMs,
    );
    // Looked at when it is awaited; until then a failure waits.
    closedAfterMs.catch(() => undefined);
  });
  afterEach(() => void jest.restoreAllMocks());
  afterAll(async () => {
    await world.stop();
    await resting.stop();
  });

  const open = (what: 'pools' | 'sockets') => world.figure(`medmij_client_connections{what="${what}"}`);
  /** From now on this clock is ahead. */
  const ahead = (clock: { now(): number }, ms: number) => {
    const now = clock.now.bind(clock);
    jest.spyOn(clock, 'now').mockImplementation(() => now() + ms);
  };

  it('are no more than 32 to each; what has to wait goes over the same ones when they are free', async () => {
    const [busy, beside] = [receivers.busy, receivers.beside];
    const held: ReceivedCall[] = [];
    for (const receiver of [busy, beside]) receiver.behave((_, call) => void held.push(call));
    const calls = Promise.all(Array.from({ length: 2 * socketsMax }, () => [send('busy'), send('beside')]).flat());
    await eventually(() => expect([busy.calls.length, beside.calls.length]).toEqual([socketsMax, socketsMax]), 9_000);
    expect([busy.openSockets, beside.openSockets]).toEqual([socketsMax, socketsMax]);
    for (const receiver of [busy, beside]) receiver.behave((socket) => void socket.write(answer('204 No Content')));
    for (const { socket } of held) socket.write(answer('204 No Content'));
    for (const got of await calls) expect(got).toMatchObject(delivered);
    expect([busy.handshakes.length, beside.handshakes.length]).toEqual([socketsMax, socketsMax]);
  });

  it('are closed sooner where the server says that it will', async () => {
    const { hinting } = receivers;
    const withHint = answer('204 No Content', { connection: 'keep-alive', 'keep-alive': 'timeout=4' });
    hinting.behave((socket) => void socket.write(withHint));
    expect(await send('hinting')).toMatchObject(delivered);
    const sinceMs = performance.now();
    expect(hinting.openSockets).toBe(1);
    await eventually(() => expect(hinting.openSockets).toBe(0));
    // Far from the 15 seconds of ours, however busy the machine is.
    expect(performance.now() - sinceMs).toBeLessThan(10_000);
  });

  it('are replaced after five minutes, so that names and certificates are looked at again', async () => {
    const { aging } = receivers;
    for (let time = 0; time < 5; time += 1) expect(await send('aging')).toMatchObject(delivered);
    const before = aging.handshakes.length;
    // A call in the very tick in which another ends finds that connection still taken: there may be a second one.
    expect(before).toBeLessThanOrEqual(2);
    ahead(Date, 5 * minuteMs + 1_000);
    expect(await send('aging')).toMatchObject(delivered);
    expect(aging.handshakes).toHaveLength(before + 1);
    await eventually(() => expect(aging.openSockets).toBe(1));
  });

  it('are those of 500 origins at most: the one that was called longest ago goes first', async () => {
    const { oldest, kept } = receivers;
    expect(await send('oldest')).toMatchObject(delivered);
    expect(await send('kept')).toMatchObject(delivered);
    // Nobody answers there; what counts is that they were called.
    for (const host of others) world.hostAddresses[host] = { address: '127.0.0.1', port: 1 };
    // With these two they fill all places; those of the tests before have to go.
    const [last, ...filling] = others.slice(0, poolsMax - 1);
    const answers = await Promise.all(filling.map((one) => world.send(one)));
    for (const got of answers) expect(got).toMatchObject({ kind: 'failed', error: 'ECONNREFUSED' });
    expect(await send('kept')).toMatchObject(delivered);
    await eventually(async () => expect(await open('pools')).toBe(poolsMax));
    expect(oldest.openSockets).toBe(1);
    await world.send(last!);
    await eventually(() => expect(oldest.openSockets).toBe(0));
    await eventually(async () => expect(await open('pools')).toBe(poolsMax));
    expect(kept.openSockets).toBeGreaterThan(0);
  });

  it('are closed when they were not used for 15 seconds', async () => {
    expect(await closedAfterMs).toBeGreaterThan(idleMs - 3_000);
  });

  it('are forgotten with what was known of them when nobody called there for ten minutes', async () => {
    const { unused } = receivers;
    expect(await send('unused')).toMatchObject(delivered);
    expect(await open('pools')).toBeGreaterThan(0);
    ahead(performance, 10 * minuteMs + 1_000);
    await eventually(async () => expect([await open('pools'), await open('sockets')]).toEqual([0, 0]));
    await eventually(() => expect(unused.openSockets).toBe(0));
  });
});
