import { connect, type Socket } from 'node:net';
import { expect } from '@jest/globals';
import { Client } from 'pg';
import { type RefusalCode, refusals } from '../../src/refusals';
import type { Answer, World } from '../support/app';

/** An answer read from the wire by hand: status line, headers by their lower-case names, body. */
export interface RawAnswer {
  status: number;
  headers: Map<string, string>;
  text: string;
}

/** What goes out byte for byte, and everything that comes back until the other side ends the connection. */
export async function sendBytes(baseUrl: string, bytes: string | Buffer, withinMs = 10_000): Promise<RawAnswer[]> {
  const socket = await openSocket(baseUrl);
  const received = collect(socket, withinMs);
  socket.write(bytes);
  return readAnswers(await received);
}

export async function openSocket(baseUrl: string): Promise<Socket> {
  const { hostname, port } = new URL(baseUrl);
  const socket = connect(Number(port), hostname);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => undefined);
  return socket;
}

/** Everything until the connection ends; one that stays open is cut off, and that is a failure. */
export function collect(socket: Socket, withinMs = 10_000): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy();
      reject(
        new Error(`Open after ${withinMs} ms; received: ${Buffer.concat(chunks).toString('latin1').slice(0, 200)}`),
      );
    }, withinMs);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks));
    });
  });
}

/** Answers one after the other on one connection; chunked ones are left as they came. */
export function readAnswers(bytes: Buffer): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) throw new Error('The answer has no end of its headers.');
    const [statusLine, ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine!)?.[1]);
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
    );
    const length = Number(headers.get('content-length') ?? rest.length);
    const start = end + 4;
    const bodyEnd = status === 100 ? start : Math.min(start + length, rest.length);
    if (status !== 100) answers.push({ status, headers, text: rest.subarray(start, bodyEnd).toString('utf8') });
    rest = rest.subarray(bodyEnd);
  }
  return answers;
}

/** Where the attacked services say they live. */
export const publicUrl = 'https://subscriptions.example';

/** A refusal as contract.md 3 says it: its status, exactly the six members, headers, ids, and nothing of the person. */
export function expectProblem(
  answer: Answer | RawAnswer,
  code: RefusalCode,
  { subject }: { subject?: string } = {},
): { detail: string; errors: { path: string; message: string }[] } {
  const header = (name: string) => answer.headers.get(name) ?? undefined;
  const { status } = refusals[code];
  expect({ status: answer.status, text: answer.text }).toEqual({ status, text: expect.stringContaining(`"${code}"`) });
  expect(header('content-type')).toBe('application/problem+json; charset=utf-8');
  const body = JSON.parse(answer.text) as Record<string, unknown>;
  expect(Object.keys(body).sort()).toEqual(['code', 'detail', 'errors', 'status', 'title', 'type']);
  expect(body).toMatchObject({ type: `${publicUrl}/errors/${code}`, title: refusals[code].title, status, code });
  expect(body.detail).toEqual(expect.any(String));
  for (const fault of body.errors as object[]) expect(Object.keys(fault).sort()).toEqual(['message', 'path']);
  expectEdgeHeaders(header);
  if (subject !== undefined) {
    expect(answer.text).not.toContain(subject);
    expect(JSON.stringify([...answer.headers])).not.toContain(subject);
  }
  return body as { detail: string; errors: { path: string; message: string }[] };
}

/** What every answer carries, whatever it says. */
export function expectEdgeHeaders(header: (name: string) => string | undefined): void {
  for (const id of ['medmij-request-id', 'x-correlation-id']) expect(header(id)).toMatch(/^[\x21-\x7e]{1,128}$/);
  expect(header('x-content-type-options')).toBe('nosniff');
  expect(header('referrer-policy')).toBe('no-referrer');
  expect(header('x-frame-options')).toBe('DENY');
  expect(header('content-security-policy')).toContain("default-src 'none'");
  expect(header('strict-transport-security')).toBe('max-age=31536000');
  expect(header('x-powered-by')).toBeUndefined();
  expect(header('server')).toBeUndefined();
}

const recordingTables = ['event', 'stream', 'command', 'person', 'delivery'] as const;

/** How much is recorded of anything: what a refusal must leave as it was. */
export async function recorded({ database }: World): Promise<Record<(typeof recordingTables)[number], number>> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    const counts = recordingTables.map((table) => `(select count(*)::integer from ${table}) as ${table}`);
    const { rows } = await client.query(`select ${counts.join(', ')}`);
    return rows[0] as Record<(typeof recordingTables)[number], number>;
  } finally {
    await client.end();
  }
}

export const nothingRecorded = { event: 0, stream: 0, command: 0, person: 0, delivery: 0 };

/** No line of the log names any of these, and none tells of a bug. */
export function expectQuietLog({ logLines }: World, ...subjects: string[]): void {
  const named = logLines.filter((line) => subjects.some((subject) => line.includes(subject)));
  expect(named).toEqual([]);
  expect(logLines.filter((line) => /"msg":"(request|intake)\.failed"/.test(line))).toEqual([]);
}
