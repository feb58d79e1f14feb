import type { Database } from '../platform';
import type { ConsumerOffsets } from '../transport';

/** How far one consumer has handled one topic, in the database that holds what came of it (docs/adr/0009). */
export class ConsumerOffsetStore implements ConsumerOffsets {
  constructor(
    private readonly database: Database,
    private readonly consumer: string,
    private readonly topic: string,
  ) {}

  async read(): Promise<ReadonlyMap<number, bigint>> {
    const rows = await this.database.query<{ partition: number; next_offset: string }>(
      'consumer-offset.read',
      'select partition, next_offset::text from consumer_offset where consumer = $1 and topic = $2',
      [this.consumer, this.topic],
    );
    return new Map(rows.map(({ partition, next_offset }) => [partition, BigInt(next_offset)]));
  }

  async save(partition: number, offset: bigint): Promise<void> {
    await this.database.query(
      'consumer-offset.save',
      `insert into consumer_offset (consumer, topic, partition, next_offset) values ($1, $2, $3, $4)
       on conflict (consumer, topic, partition) do update set next_offset = excluded.next_offset
       where consumer_offset.next_offset < excluded.next_offset`,
      [this.consumer, this.topic, partition, String(offset)],
    );
  }

  async setBack(partition: number, offset: bigint): Promise<void> {
    await this.database.query(
      'consumer-offset.set-back',
      `update consumer_offset set next_offset = $4
       where consumer = $1 and topic = $2 and partition = $3 and next_offset > $4`,
      [this.consumer, this.topic, partition, String(offset)],
    );
  }
}
