import { randomUUID } from 'node:crypto';
import type { AppendRequest, Fact, Trace } from '../../src/event-store';
import { isOutage } from '../../src/platform';
import { Connection } from '../support/connection';
import { seededRandom } from '../support/random';

/** What a writer does at each turn; every kind is one way in which real writers meet. */
export type WriterKind = 'plain' | 'inbox-first' | 'long' | 'aborted' | 'batch';

/** 32 writers. */
export const writers: readonly (readonly [WriterKind, number])[] = [
  ['plain', 11],
  ['inbox-first', 10],
  ['long', 2],
  ['aborted', 3],
  ['batch', 6],
];

/** So many streams get this part of the appends of each kind of writer, so that writers meet on them all the time. */
const hotCount = 60;
const hotPart: Record<WriterKind, number> = { plain: 0.9, 'inbox-first': 0.9, long: 0, aborted: 0.5, batch: 0.04 };
const batchSize = 150;
const factsMax = 5;
/** Between two tries to reach a database that is away. */
const reconnectEveryMs = 200;

/** What an append came to; `unknown` when the connection broke before the answer. */
export type WriteOutcome = 'committed' | 'rolled back' | 'unknown';

/** What the writers write, and who keeps the account of what came of it. */
export interface WritersLedger {
  /** What is appended to a stream after this version, and under which trace. */
  write(streamId: string, after: number, count: number): { facts: Fact[]; trace: Trace };
  close(request: AppendRequest, outcome: WriteOutcome): void;
}

/** What all writers have in common: the streams, the versions as far as known, and the count of what was done. */
export class WritersWorld {
  readonly streams: string[];
  readonly versions = new Map<string, number>();
  readonly turns: Record<WriterKind, number> = { plain: 0, 'inbox-first': 0, long: 0, aborted: 0, batch: 0 };
  readonly conflicts: Record<string, number> = {};

  constructor(
    readonly ledger: WritersLedger,
    readonly seed: number,
    streamCount = 3_000,
  ) {
    this.streams = Array.from({ length: streamCount }, () => randomUUID());
  }

  conflict(cause: string): void {
    this.conflicts[cause] = (this.conflicts[cause] ?? 0) + 1;
  }
}

/** One writer on a connection of its own: turn after turn, tracking by the answers what was committed. */
export class LogWriter {
  /** Sent, and not answered yet. */
  private inHand: AppendRequest[] = [];

  private constructor(
    private readonly url: string,
    private connection: Connection,
    private readonly kind: WriterKind,
    private readonly world: WritersWorld,
    private readonly random: () => number,
  ) {}

  static async open(url: string, kind: WriterKind, number: number, world: WritersWorld): Promise<LogWriter> {
    return new LogWriter(url, await Connection.open(url), kind, world, seededRandom(world.seed + number));
  }

  async writeWhile(goOn: () => boolean | Promise<boolean>): Promise<void> {
    while (await goOn()) {
      try {
        if (this.kind === 'batch') await this.batch();
        else if (this.kind === 'plain') await this.plain();
        else await this.transaction();
        this.world.turns[this.kind] += 1;
      } catch (error) {
        if (!isOutage(error)) throw error;
        this.close(this.inHand, 'unknown');
        await this.reconnect(goOn);
      }
    }
  }

  end(): Promise<void> {
    return this.connection.close();
  }

  private async reconnect(goOn: () => boolean | Promise<boolean>): Promise<void> {
    this.world.conflict('connection');
    void this.connection.close().catch(() => undefined);
    while (await goOn()) {
      try {
        this.connection = await Connection.open(this.url);
        return await this.readAgain(this.world.streams);
      } catch (error) {
        if (!isOutage(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, reconnectEveryMs));
      }
    }
  }

  private async plain(): Promise<void> {
    const request = this.request(this.anyStream());
    const [result] = await this.connection.eventStore().append([request]);
    if (result!.outcome === 'conflict') await this.conflict(result!.cause, [request]);
    else this.close([request], 'committed');
  }

  /** The transaction has its id long before it appends: others with later ids append and commit in between. */
  private async transaction(): Promise<void> {
    const { connection, kind } = this;
    await connection.begin();
    if (kind !== 'aborted') {
      await connection.query('inbox', 'insert into inbox (message) values ($1)', [randomUUID()]);
      await this.wait(kind === 'long' ? 60 : 25);
    }
    const request = this.request(this.anyStream());
    const [result] = await connection.eventStore().append([request]);
    if (result!.outcome === 'conflict') {
      await connection.rollback();
      await this.conflict(result!.cause, [request]);
      return;
    }
    await this.wait(kind === 'long' ? 250 : 5);
    if (kind === 'aborted') {
      await connection.rollback();
      this.close([request], 'rolled back');
      return;
    }
    await connection.commit();
    this.close([request], 'committed');
  }

  private async batch(): Promise<void> {
    const streams = new Set(Array.from({ length: batchSize }, () => this.anyStream()));
    const requests = [...streams].map((stream) => this.request(stream));
    const results = await this.connection.eventStore().append(requests);
    const failed = requests.filter((_request, index) => results[index]!.outcome === 'conflict');
    this.close(
      requests.filter((_request, index) => results[index]!.outcome === 'appended'),
      'committed',
    );
    for (const result of results) if (result.outcome === 'conflict') this.world.conflict(result.cause);
    this.close(failed, 'rolled back');
    await this.readAgain(failed.map(({ streamId }) => streamId));
  }

  private anyStream(): string {
    const { streams } = this.world;
    const among = this.random() < hotPart[this.kind] ? hotCount : streams.length;
    return streams[Math.floor(this.random() * among)]!;
  }

  private request(streamId: string): AppendRequest {
    const expectedVersion = this.world.versions.get(streamId) ?? 0;
    const count = 1 + Math.floor(this.random() * factsMax);
    const request = {
      streamId,
      ...this.world.ledger.write(streamId, expectedVersion, count),
      expectedVersion,
      dueOn: null,
      occurredAt: new Date(),
    };
    this.inHand.push(request);
    return request;
  }

  private close(requests: readonly AppendRequest[], outcome: WriteOutcome): void {
    for (const request of requests) {
      this.world.ledger.close(request, outcome);
      const version = request.expectedVersion + request.facts.length;
      if (outcome !== 'committed' || version <= (this.world.versions.get(request.streamId) ?? 0)) continue;
      this.world.versions.set(request.streamId, version);
    }
    const closed = new Set(requests);
    this.inHand = this.inHand.filter((request) => !closed.has(request));
  }

  private async conflict(cause: string, requests: AppendRequest[]): Promise<void> {
    this.world.conflict(cause);
    this.close(requests, 'rolled back');
    await this.readAgain(requests.map(({ streamId }) => streamId));
  }

  private async readAgain(streams: readonly string[]): Promise<void> {
    if (streams.length === 0) return;
    const rows = await this.connection.query<{ stream_id: string; version: number }>(
      'versions',
      'select stream_id, version from stream where stream_id = any ($1)',
      [streams],
    );
    for (const { stream_id: streamId, version } of rows) this.world.versions.set(streamId, version);
  }

  /** Thinking time of a writer; nothing is concluded from it. */
  private wait(upToMs: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.random() * upToMs));
  }
}
