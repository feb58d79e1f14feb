import { randomUUID } from 'node:crypto';
import { Kafka, logLevel, type KafkaMessage } from 'kafkajs';
import { Problem } from './problem';

export interface ReadBackEvent {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly headers: Record<string, string>;
  readonly data: Record<string, unknown>;
}

/** Reads a topic from its present end on, and keeps what comes so that it can be waited for. */
export class TopicWatch {
  private readonly seen: ReadBackEvent[] = [];
  private readonly waiting = new Set<() => void>();

  private constructor(private readonly end: () => Promise<void>) {}

  static async open(brokers: string[], topic: string): Promise<TopicWatch> {
    const kafka = new Kafka({ clientId: 'tour', brokers, logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    // Before anything is sent: what was there already is not of this tour.
    const offsets = await admin.fetchTopicOffsets(topic);
    const groupId = `tour-${randomUUID()}`;
    const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 50 });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic] });
    const watch = new TopicWatch(async () => {
      await consumer.disconnect();
      // A group of its own at every start would pile up in the broker.
      await admin.deleteGroups([groupId]).catch(() => undefined);
      await admin.disconnect();
    });
    await consumer.run({
      autoCommit: false,
      eachMessage: ({ partition, message }) => Promise.resolve(watch.notice(topic, partition, message)),
    });
    for (const { partition, high } of offsets) consumer.seek({ topic, partition, offset: high });
    return watch;
  }

  private notice(topic: string, partition: number, message: KafkaMessage): void {
    const headers = Object.fromEntries(
      Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]),
    );
    const data = JSON.parse(String(message.value)) as Record<string, unknown>;
    this.seen.push({ topic, partition, offset: message.offset, headers, data });
    this.waiting.forEach((look) => look());
  }

  /** @throws Problem when it does not come in time */
  async find(wanted: (event: ReadBackEvent) => boolean, what: string, withinMs: number): Promise<ReadBackEvent> {
    return new Promise((found, failed) => {
      const give = (event: ReadBackEvent) => {
        clearTimeout(timer);
        this.waiting.delete(look);
        found(event);
      };
      const look = () => {
        const event = this.seen.find(wanted);
        if (event) give(event);
      };
      const timer = setTimeout(() => {
        this.waiting.delete(look);
        failed(new Problem(`${what} did not come out of Kafka within ${withinMs / 1000} s.`));
      }, withinMs);
      this.waiting.add(look);
      look();
    });
  }

  close(): Promise<void> {
    return this.end();
  }
}
