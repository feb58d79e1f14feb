import { type Database, describeError, groupBy, inSavepoint, type Logger, type Queries } from '../platform';
import type { CheckpointStore, Lease } from './checkpoint.store';
import type { ParkedStream, ParkedStreamStore, Stumble } from './parked-streams.store';
import { errorText, mayBePoison } from './poison';
import { type Fact, inNewestForm, type Position, positionText, type StoredEvent, type Upcast } from './stored-event';
import type { StreamHistories } from './stream-histories.store';

/** Streams that one reader may have parked at once. A fault that is broader than this is not the streams': the reader stops. */
const parkedMax = 100;
/** Between two looks for streams to replay, while any is parked. */
const lookEveryMs = 500;
/** Streams replayed in one step. */
const replaysMax = 10;

/** The effect of events in a transaction. It may be tried again with part of them, and then with others of other streams. */
export type Apply<F extends Fact> = (events: StoredEvent<F>[], queries: Queries) => Promise<void>;

interface Parts {
  database: Database;
  histories: StreamHistories;
  checkpoints: CheckpointStore;
  parked: ParkedStreamStore;
  log: Logger;
  upcast: Upcast;
}

/**
 * Applies pages for a reader of the log so that an event it cannot apply parks its own stream and nothing else. All of it is
 * done under the reader's lease and in one transaction with its checkpoint, so that a replay can neither overtake the live flow
 * nor be applied twice.
 */
export class StreamParking<F extends Fact> {
  private readonly store: ParkedStreamStore;
  private readonly parked = new Set<string>();
  private lookedAtMs = -Infinity;

  constructor(
    private readonly parts: Parts,
    private readonly reader: string,
    private readonly pageSize: number,
    private readonly applyEvents: Apply<F>,
  ) {
    this.store = parts.parked;
  }

  /** What is parked, as the database has it: while the lease is held nobody else parks a stream. */
  async load(): Promise<void> {
    const parked = await this.store.of(this.reader);
    this.parked.clear();
    for (const streamId of parked.keys()) this.parked.add(streamId);
  }

  /** The effect of a page and the checkpoint after it; streams that are parked are left out, and those that stumble are parked. */
  async applyPage(page: StoredEvent[], lease: Lease): Promise<void> {
    const end = page.at(-1)!.position;
    const events = this.parked.size === 0 ? page : page.filter(({ stream_id: id }) => !this.parked.has(id));
    const { database, checkpoints } = this.parts;
    try {
      await database.transaction(async (queries) => {
        await checkpoints.save(lease, end, queries);
        if (events.length > 0) await this.apply(events, queries);
      });
    } catch (error) {
      if (!mayBePoison(error)) throw error;
      await this.applyAround(events, end, lease, error);
    }
  }

  /** Tries the parked streams again that an operator has asked for. */
  async replayAsked(lease: Lease, checkpoint: Position): Promise<void> {
    if (this.parked.size === 0 || performance.now() - this.lookedAtMs < lookEveryMs) return;
    this.lookedAtMs = performance.now();
    // What was destroyed (docs/adr/0030) is parked no more: under the same id somebody may begin anew.
    await this.load();
    for (const parked of await this.store.toReplay(this.reader, replaysMax)) {
      await this.replay(parked, lease, checkpoint);
    }
  }

  /** Making the newest form of an event is part of applying it: an old one that cannot be read stops its stream only. */
  private async apply(events: StoredEvent[], queries: Queries): Promise<void> {
    await this.applyEvents(
      events.map((event) => inNewestForm<F>(event, this.parts.upcast)),
      queries,
    );
  }

  private async applyAround(events: StoredEvent[], end: Position, lease: Lease, cause: unknown): Promise<void> {
    const { database, checkpoints, log } = this.parts;
    const streams = [...groupBy(events, ({ stream_id: id }) => id).values()];
    const stumbles = await database.transaction(async (queries) => {
      await checkpoints.save(lease, end, queries);
      const failed = await this.failing(streams, queries, cause);
      // Of a lone stream nothing else can be learned. But when several fail and none passes, the fault is not theirs.
      if (failed.length > 1 && failed.length === streams.length) throw cause;
      const found: Stumble[] = [];
      for (const stream of failed) {
        const stumble = await this.applyUntilStumble(stream, queries);
        if (stumble) found.push(stumble);
      }
      if (found.length > 0) await this.store.park(this.reader, found, queries);
      return found;
    });
    for (const { event, error } of stumbles) {
      this.parked.add(event.stream_id);
      const { stream_id: streamId, version } = event;
      log.error({ reader: this.reader, stream_id: streamId, version, reason: error }, 'log.stream.parked');
    }
  }

  /** Applies what can be applied, by halves, and returns the streams that cannot. */
  private async failing(
    streams: StoredEvent[][],
    queries: Queries,
    cause: unknown,
    found = { count: this.parked.size },
  ): Promise<StoredEvent[][]> {
    const error = await this.attempt(streams.flat(), queries);
    if (error === undefined) return [];
    if (streams.length <= 1) {
      found.count += 1;
      if (found.count > parkedMax) throw cause;
      return streams;
    }
    const half = Math.ceil(streams.length / 2);
    return [
      ...(await this.failing(streams.slice(0, half), queries, cause, found)),
      ...(await this.failing(streams.slice(half), queries, cause, found)),
    ];
  }

  /** What comes before the stumbling block of a stream is still applied. */
  private async applyUntilStumble(stream: StoredEvent[], queries: Queries): Promise<Stumble | undefined> {
    for (const event of stream) {
      const error = await this.attempt([event], queries);
      if (error !== undefined) return { event, error: errorText(error) };
    }
    return undefined;
  }

  /** The error that speaks of the events; undefined when they are applied. Any other error is thrown. */
  private async attempt(events: StoredEvent[], queries: Queries): Promise<unknown> {
    try {
      await inSavepoint(queries, () => this.apply(events, queries));
      return undefined;
    } catch (error) {
      if (!mayBePoison(error)) throw error;
      return error;
    }
  }

  private async replay(
    parked: Pick<ParkedStream, 'id' | 'stream_id' | 'version'>,
    lease: Lease,
    checkpoint: Position,
  ): Promise<void> {
    const { database, checkpoints, histories, log } = this.parts;
    const line = { reader: this.reader, stream_id: parked.stream_id, version: parked.version };
    try {
      await database.transaction(async (queries) => {
        // The fence, and the lock that the live flow takes too: what lies behind the checkpoint is ours, the rest is its.
        await checkpoints.save(lease, checkpoint, queries);
        let page: StoredEvent[] = [];
        let after = parked.version - 1;
        do {
          page = await histories.stream(parked.stream_id, after, this.pageSize, queries);
          const passed = page.filter(({ position }) => positionText(position) <= positionText(checkpoint));
          if (passed.length > 0) await this.apply(passed, queries);
          after = page.at(-1)?.version ?? after;
        } while (page.length === this.pageSize);
        await this.store.unpark(parked.id, queries);
      });
      this.parked.delete(parked.stream_id);
      log.info(line, 'log.stream.replayed');
    } catch (error) {
      if (!mayBePoison(error)) throw error;
      await this.store.stumbledAgain(parked.id, errorText(error));
      log.error({ ...line, error: describeError(error) }, 'log.stream.stumbled_again');
    }
  }
}
