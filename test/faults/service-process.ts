import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from '@jest/globals';
import { Client } from 'pg';
import { createAuthority, issueCertificate } from '../../dev/certificates';
import { compile, isCompiled } from '../../dev/compile';
import { freePort } from '../../dev/ports';
import { issueToken } from '../../dev/tokens';
import { amsterdamDate, type Standing } from '../journeys/walk';
import { authorizedRequest, type AuthorizedRequestBody, somePerson } from '../support/app';
import { createDatabase, type TestDatabase } from '../support/database';
import { Dvp } from '../support/dvp';
import { eventually } from '../support/eventually';
import { brokers, OtherSide, topicPrefix } from '../support/kafka';

const projectRoot = resolve(__dirname, '../..');

/** The service as it runs in production: a process of its own, which can be killed. */
export class ServiceProcess {
  private child?: ChildProcess;
  private exited: Promise<number | null> = Promise.resolve(null);
  readonly lines: string[] = [];

  constructor(
    private readonly env: Record<string, string>,
    readonly port: number,
  ) {}

  get baseUrl(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Until it answers. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [join(projectRoot, 'dist/main.js')], {
      cwd: projectRoot,
      env: { PATH: process.env.PATH, ...this.env, PORT: String(this.port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    this.exited = new Promise((done) => child.once('exit', (code) => done(code)));
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop()!;
        this.lines.push(...lines);
      });
    }
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`the service ended:\n${this.lines.slice(-5).join('\n')}`);
      expect((await fetch(`${this.baseUrl}/health/live`)).status).toBe(200);
    }, 25_000);
  }

  /** `kill -9`, now. */
  async kill(): Promise<void> {
    this.child?.kill('SIGKILL');
    await this.exited;
  }

  /** Stands still as a process of an overloaded machine does, and wakes up late. */
  async freezeFor(ms: number): Promise<void> {
    this.child?.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.child?.kill('SIGCONT');
  }

  /** Asks it to stop; its exit code. */
  async stop(): Promise<number | null> {
    this.child?.kill('SIGTERM');
    return this.exited;
  }

  /** Readers of the log that it took over, by name. */
  tookOver(): string[] {
    return this.lines
      .filter((line) => line.includes('"log.reader.took_over"'))
      .map((line) => (JSON.parse(line) as { reader: string }).reader);
  }
}

/** Database, topics, certificates and a client around processes of the service. */
export class Surroundings {
  private constructor(
    readonly database: TestDatabase,
    readonly client: Client,
    readonly dvp: Dvp,
    readonly otherSide: OtherSide,
    readonly token: string,
    private readonly dataDir: string,
    private readonly env: Record<string, string>,
  ) {}

  static async make(): Promise<Surroundings> {
    if (!isCompiled()) await compile();
    const dataDir = await mkdtemp(join(tmpdir(), 'medmij-faults-'));
    const [database, authority] = await Promise.all([createDatabase(), createAuthority('test authority')]);
    const service = await issueCertificate(authority, { commonName: 'medmij-subscriptions', usages: ['client'] });
    const listed = { commonName: 'sample-client.example', names: ['sample-client.example'] };
    const dvp = new Dvp(await issueCertificate(authority, { ...listed, usages: ['server'] }), authority);
    await dvp.start();
    const [cert, key, ca] = ['service.crt', 'service.key', 'ca.crt'].map((name) => join(dataDir, name));
    await Promise.all([
      writeFile(cert!, service.certificate),
      writeFile(key!, service.key, { mode: 0o600 }),
      writeFile(ca!, authority.certificate),
    ]);
    const token = await issueToken({ dataDir, scopes: ['authorizations:write', 'ops:read'] });
    const prefix = topicPrefix();
    const client = new Client({ connectionString: database.url });
    await client.connect();
    return new Surroundings(database, client, dvp, new OtherSide(prefix), token, dataDir, {
      DATA_DIR: dataDir,
      DATABASE_URL: database.url,
      KAFKA_BROKERS: brokers().join(','),
      KAFKA_TOPIC_PREFIX: prefix,
      DEV_HOSTS: `sample-client.example=127.0.0.1:${dvp.port}`,
      CLIENT_TLS_CERT: cert!,
      CLIENT_TLS_KEY: key!,
      CLIENT_TLS_CA: ca!,
      PUBLIC_URL: 'http://subscriptions.example',
    });
  }

  async process(): Promise<ServiceProcess> {
    return new ServiceProcess(this.env, await freePort());
  }

  async rows<Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.client.query<Row>(sql, values)).rows;
  }

  async remove(): Promise<void> {
    await Promise.all([this.dvp.stop(), this.otherSide.close(), this.client.end()]);
    await this.database.drop();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

/** A request that was answered for good. */
export interface Acknowledged {
  request: AuthorizedRequestBody;
  status: number;
  standing: Standing;
}

/** What became of one try to hand a request in: an answer, or nobody knows. */
export interface Attempt {
  startedMs: number;
  status?: number;
  error?: string;
}

/**
 * Persons who start, adjust and end without a pause, each one thing after the other, through whichever process `door` says.
 * A request without a definite answer is handed in again, the same, until it has one.
 */
export class Load {
  readonly acknowledged: Acknowledged[] = [];
  readonly attempts: Attempt[] = [];
  private stopping = false;
  private readonly writers: Promise<void>[] = [];

  constructor(
    private readonly token: string,
    private readonly random: () => number,
    private readonly door: () => string,
  ) {}

  start(writers: number): void {
    for (let n = 0; n < writers; n += 1) this.writers.push(this.write());
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.writers);
  }

  private async write(): Promise<void> {
    while (!this.stopping) {
      const subject = somePerson();
      // Each state of a subscription has an end date of its own, so that a notification tells which state it is.
      const days = shuffled(365, this.random);
      for (const count of [...days.slice(0, 2 + Math.floor(this.random() * 4)), 0, days[8]!, days[9]!]) {
        if (this.stopping) return;
        await this.handIn(authorizedRequest({ subject, scope: `subscribe~${count}/eenofanderezorgaanbieder~42` }));
      }
    }
  }

  private async handIn(request: AuthorizedRequestBody): Promise<void> {
    for (let tries = 0; tries < 2_000; tries += 1) {
      const attempt: Attempt = { startedMs: performance.now() };
      this.attempts.push(attempt);
      try {
        const answer = await fetch(`${this.door()}/authorizations`, {
          method: 'POST',
          headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
          body: JSON.stringify(request),
          signal: AbortSignal.timeout(20_000),
        });
        const body = (await answer.json()) as Standing;
        attempt.status = answer.status;
        if (answer.status === 200 || answer.status === 201) {
          this.acknowledged.push({ request, status: answer.status, standing: body });
          return;
        }
        if (answer.status !== 503) throw new Unexpected(`status ${answer.status}: ${JSON.stringify(body)}`);
      } catch (error) {
        if (error instanceof Unexpected) throw error;
        attempt.error ??= String((error as { cause?: { code?: string } }).cause?.code ?? error);
      }
      // The process is being started again.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('a request never got an answer');
  }
}

class Unexpected extends Error {}

function shuffled(count: number, random: () => number): number[] {
  return Array.from({ length: count }, (_, n) => ({ days: n + 1, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ days }) => days);
}

/** A record for the Kafka door; a bad one names a client that is not listed. */
export function grantedRecord(subject: string, isGood: boolean) {
  const id = randomUUID();
  const request = authorizedRequest({
    subject,
    authorization_id: id,
    ...(!isGood && { client_id: 'unknown-client.example' }),
  });
  return {
    id,
    key: subject.slice(-36),
    value: JSON.stringify(request),
    headers: {
      ce_specversion: '1.0',
      ce_id: id,
      ce_source: 'urn:as',
      ce_type: 'nl.medmij.authorization.granted.v1',
      'content-type': 'application/json',
    },
  };
}

interface EventRow {
  event_id: string;
  stream_id: string;
  version: number;
  type: string;
  position: string;
  data: { subscription_id: string; end_date: string; authorization_id?: string };
}

/**
 * The properties that hold whoever was killed when (design.md 3): nothing acknowledged is lost; log, Kafka, projection and
 * notifications tell the same story in the same order.
 */
export async function expectNothingLost(world: Surroundings, acknowledged: readonly Acknowledged[]): Promise<void> {
  const events = await world.rows<EventRow>(
    `select event_id, stream_id, version, type, data, log_position(epoch, xid, pos) as position
     from event order by stream_id, version`,
  );
  const byStream = new Map<string, EventRow[]>();
  for (const event of events) byStream.set(event.stream_id, [...(byStream.get(event.stream_id) ?? []), event]);

  // The log: every acknowledged request once, exactly as it was answered; versions without gaps, positions in their order.
  for (const [stream, own] of byStream) {
    expect([stream, own.map(({ version }) => version)]).toEqual([stream, own.map((_, index) => index + 1)]);
    const positions = own.map(({ position }) => position);
    expect(positions).toEqual([...positions].sort());
  }
  const ofAuthorization = new Map<string, EventRow[]>();
  for (const event of events) {
    const id = event.data.authorization_id;
    if (id !== undefined) ofAuthorization.set(id, [...(ofAuthorization.get(id) ?? []), event]);
  }
  for (const { request, standing } of acknowledged) {
    const own = ofAuthorization.get(request.authorization_id) ?? [];
    expect([request.authorization_id, own.length]).toEqual([request.authorization_id, 1]);
    const [event] = own;
    expect([event!.data.subscription_id, event!.version, event!.data.end_date, event!.position]).toEqual([
      standing.subscription_id,
      standing.version,
      standing.end_date,
      standing.position,
    ]);
  }

  // Kafka: every event, in order for each stream, for a consumer that drops known ids.
  const outgoing = () => world.otherSide.seen.filter(({ topic }) => topic === 'medmij.subscriptions.v1');
  await eventually(
    () => expect(new Set(outgoing().map(({ headers }) => headers.ce_id)).size).toBe(events.length),
    40_000,
  );
  const known = new Set<string>();
  const published = new Map<string, string[]>();
  for (const { key, headers, value } of outgoing()) {
    if (known.has(headers.ce_id!)) continue;
    known.add(headers.ce_id!);
    published.set(key!, [...(published.get(key!) ?? []), `${headers.ce_streamversion} ${headers.ce_id} ${value}`]);
  }
  for (const [stream, own] of byStream) {
    const expected = own.map(({ version, event_id }) => `${version} ${event_id}`);
    expect(published.get(stream)?.map((text) => text.split(' ').slice(0, 2).join(' '))).toEqual(expected);
    expect(published.get(stream)!.map((text) => JSON.parse(text.split(' ').slice(2).join(' ')) as object)).toEqual(
      own.map(({ data }) => data),
    );
  }

  // The projection: each subscription as its last event left it.
  const subscriptions = new Map<string, EventRow[]>();
  for (const event of events) {
    const id = event.data.subscription_id;
    subscriptions.set(id, [...(subscriptions.get(id) ?? []), event]);
  }
  await eventually(async () => {
    const views = await world.rows<{ subscription_id: string; version: number; status: string; end_date: string }>(
      'select subscription_id, version, status, end_date::text as end_date from subscription_view where slot = (select live_slot from projection) order by 1',
    );
    const folded = [...subscriptions].map(([id, own]) => {
      const last = own.at(-1)!;
      const status = last.type.includes('terminated') ? 'terminated' : 'active';
      return { subscription_id: id, version: last.version, status, end_date: last.data.end_date };
    });
    expect(views).toEqual(folded.sort((a, b) => (a.subscription_id < b.subscription_id ? -1 : 1)));
  }, 20_000);

  // The client: the last state in the end, and never an older one after a newer one.
  await eventually(async () => {
    const [row] = await world.rows<{ count: number }>(
      `select count(*)::integer as count from delivery where state in ('pending', 'sending', 'parked')`,
    );
    const [planned] = await world.rows<{ count: number }>('select count(*)::integer as count from delivery');
    expect([row!.count, planned!.count]).toEqual([0, events.length]);
  }, 60_000);
  const told = new Map<string, string[]>();
  for (const { body } of world.dvp.received) {
    const id = String(body.subscription_id);
    told.set(id, [...(told.get(id) ?? []), String(body.end_date)]);
  }
  for (const [id, own] of subscriptions) {
    const dates = own.map(({ data }) => data.end_date);
    const places = (told.get(id) ?? []).map((date) => dates.indexOf(date));
    expect([id, places]).toEqual([id, [...places].sort((a, b) => a - b)]);
    expect([id, places.at(-1)]).toEqual([id, dates.length - 1]);
  }
  expect([...told.keys()].filter((id) => !subscriptions.has(id))).toEqual([]);
}

/** Whether the tests' own day border is near: end dates would then tell nothing. */
export function isNearMidnight(): boolean {
  return amsterdamDate(new Date()) !== amsterdamDate(new Date(Date.now() + 180_000));
}
