import { randomBytes } from 'node:crypto';
import { type Consumer, type IHeaders, Kafka, type KafkaMessage, logLevel, type Producer } from 'kafkajs';

export function brokers(): string[] {
  const list = process.env.KAFKA_BROKERS;
  if (!list) throw new Error('KAFKA_BROKERS is not set: run tests with `npm test -- <path>`.');
  return list.split(',');
}

/** Topics of one test file are its own. */
export function topicPrefix(): string {
  return `t${randomBytes(6).toString('hex')}.`;
}

export interface SeenRecord {
  topic: string;
  partition: number;
  offset: string;
  key: string | null;
  headers: Record<string, string>;
  value: string | null;
}

/** A foreign client of the broker: what another system would see and send. */
export class OtherSide {
  private readonly kafka: Kafka;
  private readonly producer: Producer;
  private readonly consumer: Consumer;
  readonly seen: SeenRecord[] = [];

  constructor(
    private readonly prefix: string,
    brokerList = brokers(),
  ) {
    this.kafka = new Kafka({ clientId: 'other-side', brokers: brokerList, logLevel: logLevel.NOTHING });
    this.producer = this.kafka.producer({ allowAutoTopicCreation: false });
    const groupId = `other-side-${randomBytes(6).toString('hex')}`;
    this.consumer = this.kafka.consumer({ groupId, maxWaitTimeInMs: 50 });
  }

  /** Follows topics (without the prefix) from their beginning into `seen`; they must exist already. */
  async follow(...topics: string[]): Promise<void> {
    await this.consumer.connect();
    await this.consumer.subscribe({ topics: topics.map((topic) => this.prefix + topic), fromBeginning: true });
    await this.consumer.run({
      eachMessage: ({ topic, partition, message }) => {
        this.seen.push(seenRecord(topic.slice(this.prefix.length), partition, message));
        return Promise.resolve();
      },
    });
  }

  async send(
    topic: string,
    ...messages: { key: string | null; value: string | Buffer | null; headers: IHeaders }[]
  ): Promise<void> {
    await this.producer.connect();
    await this.producer.send({ topic: this.prefix + topic, messages, acks: -1 });
  }

  async close(): Promise<void> {
    await Promise.all([this.producer.disconnect(), this.consumer.disconnect()]);
  }
}

function seenRecord(topic: string, partition: number, { offset, key, headers, value }: KafkaMessage): SeenRecord {
  const texts = Object.entries(headers ?? {}).map(([name, header]) => [name, String(header)] as const);
  return {
    topic,
    partition,
    offset,
    key: key?.toString() ?? null,
    headers: Object.fromEntries(texts),
    value: value?.toString() ?? null,
  };
}
