import { groupBy } from '../platform';
import type { IncomingRecord } from './event-transport';

/** Records in hand at once from one partition; as many more may wait before the partition is fetched no further. */
const chunkMax = 200;

export interface PartitionWork {
  /** Handles one record; false when it was given up because `isOver`. */
  handle: (record: IncomingRecord, isOver: () => boolean) => Promise<boolean>;
  /** Every record before this offset is handled. */
  handled: (nextOffset: string, isOver: () => boolean) => Promise<void>;
  /** There is room for more records again. */
  hasRoom: () => void;
  /** What the partition's former queue still has in hand: order holds across a rebalance too. */
  after: Promise<void>;
}

/**
 * The records of one partition that were fetched and wait. Each partition has its own, so that one that is slow or fails
 * holds up nobody else: the fetch goes on without it as long as its queue is full.
 */
export class PartitionQueue {
  private waiting: IncomingRecord[] = [];
  private isEnded = false;
  private working: Promise<void> | undefined;
  private readonly isOver = () => this.isEnded;

  constructor(private readonly work: PartitionWork) {}

  add(records: readonly IncomingRecord[]): void {
    if (this.isEnded) return;
    this.waiting.push(...records);
    this.working ??= this.run().finally(() => (this.working = undefined));
  }

  isFull(): boolean {
    return this.waiting.length >= chunkMax;
  }

  /** Takes no more: the partition went to somebody else, or the consumer stops. Waits for the records in hand. */
  end(): Promise<void> {
    this.isEnded = true;
    this.waiting = [];
    return this.working ?? this.work.after;
  }

  private async run(): Promise<void> {
    await this.work.after;
    while (!this.isEnded && this.waiting.length > 0) {
      const chunk = this.waiting.splice(0, chunkMax);
      if (!this.isFull()) this.work.hasRoom();
      if (!(await this.handleChunk(chunk))) return;
      await this.work.handled(String(BigInt(chunk.at(-1)!.offset) + 1n), this.isOver);
    }
  }

  /** Whether every record was handled; those of one key one after the other. */
  private async handleChunk(chunk: IncomingRecord[]): Promise<boolean> {
    const byKey = groupBy(chunk, ({ key, offset }) => key?.toString('base64') ?? `offset ${offset}`);
    const handled = await Promise.all(
      [...byKey.values()].map(async (records) => {
        for (const record of records) {
          if (this.isEnded || !(await this.work.handle(record, this.isOver))) return false;
        }
        return true;
      }),
    );
    return handled.every(Boolean);
  }
}
