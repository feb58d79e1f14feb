import { randomUUID } from 'node:crypto';
import type { AppendRequest } from '../../src/event-store';
import { Connection } from '../support/connection';
import { seededRandom } from '../support/random';
import { type LogCheck, marked } from './log-check';

/** What a writer does at each turn; every kind is one way in which real writers meet. */
export type WriterKind = 'plain' | 'inbox-first' | 'long' | 'aborted' | 'batch';

const streamCount = 3_000;
/** So many streams get this part of the appends of each kind of writer, so that writers meet on them all the time. */
const hotCount = 60;
const hotPart: Record<WriterKind, number> = { plain: 0.9, 'inbox-first': 0.9, long: 0, aborted: 0.5, batch: 0.04 };
const batchSize = 150;
const factsMax = 5;

/** What all writers have in common: the streams, the versions as far as known, and the count of what was done. */
export class WritersWorld {
  readonly streams = Array.from({ length: streamCount }, () => randomUUID());
  readonly versions = new Map<string, number>();
  readonly turns: Record<WriterKind, number> = { plain: 0, 'inbox-first': 0, long: 0, aborted: 0, batch: 0 };
  readonly conflicts: Record<string, number> = {};
  private marks = 0;

  constructor(
    readonly check: LogCheck,
    readonly seed: number,
  ) {}

  nextMark(): number {
    this.marks += 1;
    return this.marks;
  }

  conflict(cause: string): void {
    this.conflicts[cause] = (this.conflicts[cause] ?? 0) + 1;
  }
}

/** One writer on a connection of its own: turn after turn, tracking by the answers what was committed. */
export class LogWriter {
  private constructor(
    private readonly connection: Connection,
    private readonly kind: WriterKind,
    private readonly world: WritersWorld,
    private readonly random: () => number,
  ) {}

  static async open(url: string, kind: WriterKind, number: number, world: WritersWorld): Promise<LogWriter> {
    return new LogWriter(await Connection.open(url), kind, world, seededRandom(world.seed + number));
  }

  async writeWhile(goOn: () => boolean): Promise<void> {
    while (goOn()) {
      if (this.kind === 'batch') await this.batch();
      else if (this.kind === 'plain') await this.plain();
      else await this.transaction();
      this.world.turns[this.kind] += 1;
    }
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  private async plain(): Promise<void> {
    const request = this.request(this.anyStream());
    const [result] = await this.connection.eventStore().append([request]);
    if (result!.outcome === 'conflict') await this.conflict(result!.cause, [request]);
    else this.committed(request);
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
      return;
    }
    await connection.commit();
    this.committed(request);
  }

  private async batch(): Promise<void> {
    const streams = new Set(Array.from({ length: batchSize }, () => this.anyStream()));
    const requests = [...streams].map((stream) => this.request(stream));
    const results = await this.connection.eventStore().append(requests);
    const failed = requests.filter((request, index) => {
      const result = results[index]!;
      if (result.outcome === 'appended') this.committed(request);
      else this.world.conflict(result.cause);
      return result.outcome === 'conflict';
    });
    await this.readAgain(failed);
  }

  private anyStream(): string {
    const { streams } = this.world;
    const among = this.random() < hotPart[this.kind] ? hotCount : streams.length;
    return streams[Math.floor(this.random() * among)]!;
  }

  private request(streamId: string): AppendRequest {
    const facts = Array.from({ length: 1 + Math.floor(this.random() * factsMax) }, () => marked(this.world.nextMark()));
    return {
      streamId,
      facts,
      expectedVersion: this.world.versions.get(streamId) ?? 0,
      dueOn: null,
      trace: { correlation_id: 'races', causation_id: 'races' },
      occurredAt: new Date(),
    };
  }

  private committed({ streamId, expectedVersion, facts }: AppendRequest): void {
    this.world.check.commit(...facts.map(({ data }) => (data as { mark: number }).mark));
    const version = expectedVersion + facts.length;
    if (version > (this.world.versions.get(streamId) ?? 0)) this.world.versions.set(streamId, version);
  }

  private async conflict(cause: string, requests: AppendRequest[]): Promise<void> {
    this.world.conflict(cause);
    await this.readAgain(requests);
  }

  private async readAgain(requests: AppendRequest[]): Promise<void> {
    if (requests.length === 0) return;
    const rows = await this.connection.query<{ stream_id: string; version: number }>(
      'versions',
      'select stream_id, version from stream where stream_id = any ($1)',
      [requests.map(({ streamId }) => streamId)],
    );
    for (const { stream_id: streamId, version } of rows) this.world.versions.set(streamId, version);
  }

  /** Thinking time of a writer; nothing is concluded from it. */
  private wait(upToMs: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.random() * upToMs));
  }
}
