import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createAuthority } from '../../dev/certificates';
import type { Answer } from '../../src/client-connections';
import { isWell, type Verdict, verdictOf } from '../../src/notifications/verdict';
import { eventually } from '../support/eventually';
import { ConnectionsWorld, type Wish } from './connections-world';
import { answer, BareReceiver, type Behaviour, type Receiver, type ReceiverOptions } from './receiver';

interface Case {
  name: string;
  behaviour?: Behaviour;
  certificate?: Wish;
  tls?: ReceiverOptions['tls'];
  /** Instead of a server that speaks TLS. */
  bare?: (socket: Socket) => void;
  dead?: boolean;
  answer: Partial<Extract<Answer, { kind: 'answered' }>> | { error: string | RegExp };
  verdict: Partial<Record<keyof Verdict | 'error' | 'retryAfterS', unknown>>;
  /** Most it may take, in milliseconds. */
  withinMs?: number;
  /** Least it must take: it is waited for. */
  notBeforeMs?: number;
  /** Whether the connection is good for another call; else it must be gone, on both sides. */
  kept?: boolean;
  /** Kind that the metric of failed connections counts it under. */
  kind?: string;
}

const retry = { kind: 'retry' };
const fourKilobytes = 4_096;

const cases: Case[] = [
  {
    name: 'that is slow',
    behaviour: (socket) => void setTimeout(() => socket.write(answer('204 No Content')), 2_000),
    answer: { status: 204 },
    verdict: { kind: 'delivered' },
    notBeforeMs: 1_900,
    kept: true,
  },
  {
    name: 'that hangs before its headers',
    behaviour: () => undefined,
    answer: { error: 'timeout' },
    verdict: { kind: 'retry', error: 'timeout' },
    notBeforeMs: 9_500,
  },
  {
    name: 'that hangs in the handshake',
    bare: (socket) => void socket.resume(),
    answer: { error: 'timeout' },
    verdict: retry,
    notBeforeMs: 9_500,
    kind: 'timeout',
  },
  {
    name: 'that hangs in the body of a success',
    behaviour: (socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'),
    answer: { status: 200 },
    verdict: { kind: 'delivered' },
    withinMs: 7_000,
  },
  {
    name: 'that hangs in the body of a 400',
    behaviour: (socket) => void socket.write('HTTP/1.1 400 Bad Request\r\ncontent-length: 90\r\n\r\n{"error":'),
    answer: { error: 'timeout' },
    verdict: retry,
    notBeforeMs: 9_500,
  },
  { name: 'whose port is dead', dead: true, answer: { error: 'ECONNREFUSED' }, verdict: retry, kind: 'refused' },
  {
    name: 'that resets the connection before TLS',
    bare: (socket) => socket.once('data', () => socket.resetAndDestroy()),
    answer: { error: 'ECONNRESET' },
    verdict: retry,
    kind: 'broken_off',
  },
  {
    name: 'that resets the connection instead of answering',
    behaviour: (socket) => reset(socket),
    answer: { error: /ECONNRESET|UND_ERR_SOCKET/ },
    verdict: retry,
  },
  {
    name: 'with a huge body',
    behaviour: (socket) => void socket.write(answer('200 OK', {}, 'x'.repeat(5_000_000))),
    answer: { status: 200, body: '' },
    verdict: { kind: 'delivered' },
    withinMs: 7_000,
  },
  {
    name: 'with a huge body below a 400',
    behaviour: (socket) => void socket.write(answer('400 Bad Request', {}, 'x'.repeat(5_000_000))),
    answer: { status: 400, body: 'x'.repeat(fourKilobytes) },
    verdict: { kind: 'dead' },
    withinMs: 7_000,
  },
  {
    name: 'with an endless body',
    behaviour: pour('HTTP/1.1 500 Oops\r\ntransfer-encoding: chunked\r\n\r\n', `1000\r\n${'x'.repeat(4096)}\r\n`),
    answer: { status: 500, body: '' },
    verdict: { kind: 'retry', error: 'status 500' },
    withinMs: 7_000,
  },
  {
    name: 'with endless headers',
    behaviour: pour('HTTP/1.1 204 No Content\r\n', `x-more: ${'x'.repeat(1_000)}\r\n`),
    answer: { error: 'UND_ERR_HEADERS_OVERFLOW' },
    verdict: retry,
    withinMs: 7_000,
  },
  {
    name: 'that redirects',
    behaviour: (socket) => void socket.write(answer('307 Over There', { location: 'https://somebody.example/' })),
    answer: { status: 307 },
    verdict: { kind: 'dead', error: 'status 307' },
    kept: true,
  },
  {
    name: 'with a certificate for another name',
    certificate: { name: 'other.example' },
    answer: { error: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    verdict: retry,
    kind: 'certificate_other_name',
  },
  {
    name: 'with an expired certificate',
    certificate: { expired: true },
    answer: { error: 'CERT_HAS_EXPIRED' },
    verdict: retry,
    kind: 'certificate_expired',
  },
  {
    name: 'with a certificate of an authority we do not know',
    certificate: { stranger: true },
    answer: { error: /UNABLE_TO|SELF_SIGNED/ },
    verdict: retry,
    kind: 'certificate_untrusted',
  },
  {
    name: 'that answers our certificate with a TLS alert',
    // A fatal alert 48, unknown_ca, as RFC 8446 section 6 writes it.
    bare: (socket) => socket.once('data', () => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 48]))),
    answer: { error: /ALERT_UNKNOWN_CA/ },
    verdict: retry,
    kind: 'alert',
  },
  {
    name: 'that only speaks TLS 1.1',
    tls: { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    answer: { error: /ERR_SSL.*(VERSION|PROTOCOL)/ },
    verdict: retry,
    kind: 'protocol',
  },
  {
    name: 'that does not speak TLS',
    bare: (socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    answer: { error: /ERR_SSL/ },
    verdict: retry,
    kind: 'protocol',
  },
  {
    name: 'that does not know the subscription',
    behaviour: (socket) => void socket.write(answer('400 Bad Request', {}, '{"error":"invalid_subscription_id"}')),
    answer: { status: 400, body: '{"error":"invalid_subscription_id"}' },
    verdict: { kind: 'unknown_subscription' },
    kept: true,
  },
  {
    name: 'that does not know the type of notification',
    behaviour: (socket) => void socket.write(answer('400 Bad Request', {}, '{"error":"invalid_notification_type"}')),
    answer: { status: 400, body: '{"error":"invalid_notification_type"}' },
    verdict: { kind: 'dead', error: 'status 400 invalid_notification_type' },
    kept: true,
  },
  {
    name: 'that wants us to come back in a second',
    behaviour: (socket) => void socket.write(answer('429 Too Many Requests', { 'retry-after': '1' })),
    answer: { status: 429, retryAfter: '1' },
    verdict: { kind: 'retry', retryAfterS: 1 },
    kept: true,
  },
  {
    name: 'that wants us to come back in thirty years',
    behaviour: (socket) => void socket.write(answer('429 Too Many Requests', { 'retry-after': '999999999' })),
    answer: { status: 429, retryAfter: '999999999' },
    verdict: { kind: 'retry', retryAfterS: 999_999_999 },
    kept: true,
  },
  {
    name: 'that answers with garbage',
    behaviour: (socket) => void socket.end('\u0000\u0001garbage without end\r\n\r\n'),
    answer: { error: /^HPE_|HTTPParserError/ },
    verdict: retry,
  },
  {
    name: 'that answers with a status and nothing else',
    behaviour: (socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\n'),
    answer: { status: 200 },
    verdict: { kind: 'delivered' },
  },
  {
    name: 'that closes after the headers of a success',
    behaviour: (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n'),
    answer: { status: 200 },
    verdict: { kind: 'delivered' },
  },
  {
    name: 'that closes without a word',
    behaviour: (socket) => void socket.end(),
    answer: { error: 'UND_ERR_SOCKET' },
    verdict: retry,
  },
];

describe('a receiver', () => {
  let world: ConnectionsWorld;
  const seen = new Map<
    string,
    { answer: Answer; tookMs: number; keptSockets: number; openSockets: () => number; handshakes: () => number }
  >();

  /** All at once, each at a host of its own: the hanging ones take their ten seconds beside each other. */
  beforeAll(async () => {
    world = await ConnectionsWorld.start();
    const hosts = cases.map((_, index) => `receiver-${index}.example`);
    await world.list(hosts);
    await Promise.all(cases.map((one, index) => receive(one, hosts[index]!)));
  });
  afterAll(() => world.stop());

  async function receive(one: Case, host: string): Promise<void> {
    const receiver = await receiverOf(one, host);
    const startedMs = performance.now();
    const got = await world.send(host);
    const tookMs = performance.now() - startedMs;
    const openSockets = () => (one.dead ? 0 : receiver.openSockets);
    const handshakes = () => ('handshakes' in receiver ? receiver.handshakes.length : 0);
    seen.set(one.name, { answer: got, tookMs, keptSockets: openSockets(), openSockets, handshakes });
  }

  async function receiverOf(one: Case, host: string): Promise<Receiver | BareReceiver> {
    if (one.bare) {
      const receiver = await BareReceiver.start(one.bare);
      world.at(host, receiver);
      return receiver;
    }
    const receiver = await world.receiver(host, {
      ...(one.behaviour && { behaviour: one.behaviour }),
      ...(one.certificate && { certificate: one.certificate }),
      ...(one.tls && { tls: one.tls }),
    });
    if (one.dead) await receiver.stop();
    return receiver;
  }

  it.each(cases.map((one) => [one.name, one] as const))('%s gets the verdict it should', (name, one) => {
    const { answer: got, tookMs } = seen.get(name)!;
    if ('error' in one.answer) {
      const error = one.answer.error instanceof RegExp ? expect.stringMatching(one.answer.error) : one.answer.error;
      expect(got).toEqual({ kind: 'failed', error });
    } else {
      expect(got).toMatchObject({ kind: 'answered', ...one.answer });
    }
    if (got.kind === 'held_back') throw new Error(got.reason);
    expect(verdictOf(got, { now: new Date(), confirmed: true, startGraceS: 900 })).toMatchObject(one.verdict);
    expect(tookMs).toBeGreaterThanOrEqual(one.notBeforeMs ?? 0);
    // Far above the ten seconds of the budget only because the machine may be busy with all of them.
    expect(tookMs).toBeLessThan(one.withinMs ?? 18_000);
  });

  it.each(cases.map((one) => [one.name, one] as const))('%s leaves no socket behind', async (name, one) => {
    const { openSockets, keptSockets } = seen.get(name)!;
    if (one.kept) expect(keptSockets).toBe(1);
    else await eventually(() => expect(openSockets()).toBe(0), 5_000);
  });

  it('is connected to once for one call: what was given up is not connected to again', () => {
    for (const [name, { handshakes }] of seen) expect([name, Math.max(1, handshakes())]).toEqual([name, 1]);
  });

  it('is counted by the kind of its failure where the connection never came about', async () => {
    const kinds = cases.flatMap(({ kind }) => (kind === undefined ? [] : [kind]));
    for (const kind of new Set(kinds)) {
      expect([kind, await world.figure(`medmij_client_connection_failures_total{kind="${kind}"}`)]).toEqual([
        kind,
        kinds.filter((one) => one === kind).length,
      ]);
    }
    const other = await world.figure('medmij_client_connection_failures_total{kind="other"}');
    expect(other).toBe(0);
  });

  it('that refuses our certificate only when our request is on its way, as TLS 1.3 lets it, is not taken for one that has it', async () => {
    const host = 'late.example';
    await world.list([host]);
    // It takes no signature of ours, so we show no certificate, and it says so after the handshake: the one late alert that Node sends.
    const wants = 'ecdsa_secp384r1_sha384';
    const receiver = await world.receiver(host, {
      certificate: { curve: 'P-384' },
      tls: { minVersion: 'TLSv1.3', sigalgs: wants },
    });
    const alerts = () => world.figure('medmij_client_connection_failures_total{kind="alert"}');
    const written = () => world.figure('medmij_client_calls_total{connection="new"}');
    const [alertsBefore, writtenBefore] = [await alerts(), await written()];
    for (let time = 1; time <= 3; time += 1) {
      const got = await world.send(host);
      expect(got).toEqual({ kind: 'failed', error: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' });
      if (got.kind !== 'failed') return;
      expect(verdictOf(got, { now: new Date(), confirmed: true, startGraceS: 900 })).toMatchObject(retry);
      expect(isWell(got)).toBe(false);
      expect([await written(), await alerts()]).toEqual([writtenBefore + time, alertsBefore + time]);
    }
    expect(receiver.calls).toEqual([]);
    await eventually(() => expect(receiver.openSockets).toBe(0));
  });

  it('that does not trust our certificate and closes after the handshake is not taken for one that has it either', async () => {
    const host = 'distrusting.example';
    await world.list([host]);
    const receiver = await world.receiver(host, { trusted: await createAuthority('stranger') });
    for (let time = 0; time < 3; time += 1) {
      const got = await world.send(host);
      expect(got).toEqual({ kind: 'failed', error: expect.stringMatching(/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/) });
      if (got.kind === 'failed') expect(isWell(got)).toBe(false);
    }
    expect(receiver.calls).toEqual([]);
    await eventually(() => expect(receiver.openSockets).toBe(0));
  });

  it('that fails and then recovers is reached at the next call', async () => {
    const host = 'recovering.example';
    await world.list([host]);
    const receiver = await world.receiver(host);
    const statuses = ['503 Away', '500 Oops', '204 No Content'];
    receiver.behave((socket) => void socket.write(answer(statuses.shift()!)));
    for (const status of [503, 500, 204]) expect(await world.send(host)).toMatchObject({ kind: 'answered', status });
    receiver.behave(reset);
    expect(await world.send(host)).toMatchObject({ kind: 'failed' });
    receiver.behave((socket) => void socket.write(answer('204 No Content')));
    expect(await world.send(host)).toMatchObject({ kind: 'answered', status: 204 });
  });

  it('whose port is dead fails every call at once, however many there are', async () => {
    const host = 'dead.example';
    await world.list([host]);
    const receiver = await world.receiver(host);
    await receiver.stop();
    const startedMs = performance.now();
    const answers = await Promise.all(Array.from({ length: 100 }, () => world.send(host)));
    expect(new Set(answers.map((got) => got.kind === 'failed' && got.error))).toEqual(new Set(['ECONNREFUSED']));
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    await eventually(async () => expect(await world.figure('medmij_client_connections{what="sockets"}')).toBe(0));
  });

  it('that hangs has no more sockets than a pool may have, and none once the calls are over', async () => {
    const host = 'hanging.example';
    await world.list([host]);
    const receiver = await world.receiver(host, { behaviour: () => undefined });
    const calls = Promise.all(Array.from({ length: 60 }, () => world.send(host)));
    await eventually(() => expect(receiver.calls.length).toBe(32), 9_000);
    expect(receiver.openSockets).toBe(32);
    expect(new Set((await calls).map((got) => got.kind === 'failed' && got.error))).toEqual(new Set(['timeout']));
    await eventually(() => expect(receiver.openSockets).toBe(0), 5_000);
  });
});

function reset(socket: TLSSocket): void {
  // Below TLS there is a plain socket, and only that one can be reset.
  (socket as unknown as { _parent: Socket })._parent.resetAndDestroy();
}

/** Begins an answer and goes on with it for ever, as long as somebody listens. */
function pour(begin: string, more: string): Behaviour {
  return (socket) => {
    socket.write(begin);
    const timer = setInterval(() => {
      if (socket.writableLength < 1_000_000) socket.write(more);
    }, 1);
    socket.once('close', () => clearInterval(timer));
  };
}
