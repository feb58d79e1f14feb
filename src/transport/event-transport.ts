/** A record to publish. Records of one key keep their order. */
export interface OutgoingRecord {
  topic: string;
  key: string | Buffer | null;
  headers: Record<string, HeaderValue>;
  value: string | Buffer | null;
}

export type HeaderValue = string | Buffer | (string | Buffer)[] | undefined;

/** A record as it arrived; it came from `topic`, without the configured prefix. */
export interface IncomingRecord {
  topic: string;
  partition: number;
  offset: string;
  key: Buffer | null;
  headers: Record<string, HeaderValue>;
  value: Buffer | null;
}

export interface ConsumeOptions {
  /** Consumers of one group share a topic's records. */
  group: string;
  topic: string;
  /**
   * Called with the records of one key in order, with those of different keys side by side. While it fails, the record is
   * handed in again after a growing pause and its partition waits; it returns when the record needs no further attention.
   */
  handle: (record: IncomingRecord) => Promise<void>;
  /** The consumer's own memory of where it is, kept where its effects are. */
  offsets?: ConsumerOffsets;
}

/**
 * Where a consumer stands, stored with its effects. It begins at the earlier of this place and the broker's: a database that
 * was set back to a copy gets again what it has lost, as long as the topic still has it.
 */
export interface ConsumerOffsets {
  /** By partition, the offset before which every record is handled. */
  read(): Promise<ReadonlyMap<number, bigint>>;
  /** Every record before `offset` is handled. A lower one than is stored changes nothing. */
  save(partition: number, offset: bigint): Promise<void>;
  /** Forgets what was stored beyond `offset`. */
  setBack(partition: number, offset: bigint): Promise<void>;
}

/** A consumption under way. It connects by itself, and again after a failure. */
export interface Consumption {
  /** Waits for the records in hand. */
  stop(): Promise<void>;
  /** `since` when it has been failing (performance.now()), undefined while it is well. */
  state(): { connected: boolean; failingSince?: number; lastError?: string };
}

/** The wire between this service and others. Topics are named without the configured prefix. */
export interface EventTransport {
  /**
   * Returns when all records are stored by the other side, in the given order for each key. After a failure the caller
   * publishes the same records again, in the same order: what was stored may then be there twice.
   */
  publish(records: readonly OutgoingRecord[]): Promise<void>;
  consume(options: ConsumeOptions): Consumption;
  /**
   * The values of one header of everything that was written to a topic since a moment, as far as it goes now; for a comparison, and
   * nothing that goes on.
   */
  readBack(topic: string, header: string, since: Date): Promise<string[]>;
  /** Whether the other side answers; throws when it does not. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Injection token of the transport. */
export const TRANSPORT = Symbol('TRANSPORT');
