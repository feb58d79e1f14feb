import { randomUUID } from 'node:crypto';
import type { Kafka, KafkaMessage } from 'kafkajs';

/** Reading a topic back takes no longer; a group of its own must form first. */
const timeoutMs = 45_000;

/**
 * The values of one header of everything that was written to a topic since a moment, as far as it goes now. In a group of its own that
 * nobody else ever sees and that is gone afterwards; nothing is committed.
 * @throws Error when the broker does not hand it all out in time
 */
export async function readBack(kafka: Kafka, topic: string, header: string, since: Date): Promise<string[]> {
  const admin = kafka.admin();
  const groupId = `${topic}.read-back.${randomUUID()}`;
  const consumer = kafka.consumer({ groupId, allowAutoTopicCreation: false, maxWaitTimeInMs: 100 });
  let timer: NodeJS.Timeout | undefined;
  try {
    await admin.connect();
    const left = await partsToRead();
    const seen: string[] = [];
    if (left.size === 0) return seen;
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error('The topic could not be read back in time.')), timeoutMs);
      consumer.on('consumer.crash', ({ payload }) => reject(payload.error));
      consumer
        .run({
          autoCommit: false,
          eachBatch: ({ batch }) => {
            for (const message of batch.messages) {
              const value = headerOf(message, header);
              if (value !== undefined) seen.push(value);
            }
            const part = left.get(batch.partition);
            if (part && BigInt(batch.lastOffset()) + 1n >= part.end) left.delete(batch.partition);
            if (left.size === 0) resolve();
            return Promise.resolve();
          },
        })
        .then(() => {
          for (const [partition, { start }] of left) consumer.seek({ topic, partition, offset: String(start) });
        })
        .catch(reject);
    });
    return seen;
  } finally {
    clearTimeout(timer);
    await consumer.disconnect().catch(() => undefined);
    await admin.deleteGroups([groupId]).catch(() => undefined);
    await admin.disconnect().catch(() => undefined);
  }

  /** Partitions that have anything since then, and from where to where. */
  async function partsToRead(): Promise<Map<number, { start: bigint; end: bigint }>> {
    const ends = await admin.fetchTopicOffsets(topic);
    const starts = await admin.fetchTopicOffsetsByTimestamp(topic, since.getTime());
    const startOf = new Map(starts.map(({ partition, offset }) => [partition, BigInt(offset)]));
    const parts = ends.map(({ partition, high }) => {
      const end = BigInt(high);
      return [partition, { start: startOf.get(partition) ?? end, end }] as const;
    });
    return new Map(parts.filter(([, { start, end }]) => start >= 0n && start < end));
  }
}

function headerOf({ headers }: KafkaMessage, name: string): string | undefined {
  const value = headers?.[name];
  return Array.isArray(value) ? value[0]?.toString() : value?.toString();
}
