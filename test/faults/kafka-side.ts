import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Kafka, type KafkaMessage, logLevel, type Producer } from 'kafkajs';
import type { AuthorizedRequestBody } from '../support/app';

const incomingTopic = 'medmij.authorizations.v1';
const retryEveryMs = 200;
const requestTimeoutMs = 5_000;
const foreignSessionMs = 6_000;
const joinWithinMs = 30_000;

export interface TopicRecord {
  partition: number;
  offset: string;
  key: string;
  headers: Record<string, string>;
  value: string;
}

/** Other systems at a broker that comes and goes: an Authorization Server that hands in, and a reader of whole topics. */
export class KafkaSide {
  private readonly kafka: Kafka;
  private producer?: Producer;

  constructor(
    brokers: string[],
    private readonly prefix: string,
  ) {
    this.kafka = new Kafka({
      clientId: 'kafka-side',
      brokers,
      logLevel: logLevel.NOTHING,
      connectionTimeout: 2_000,
      requestTimeout: requestTimeoutMs,
      retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 3 },
    });
  }

  /** Hands a request in, as often as it takes: after an ambiguous failure the broker has it more than once. */
  async send(request: AuthorizedRequestBody, key: string): Promise<void> {
    const id = request.authorization_id;
    const headers = {
      ce_specversion: '1.0',
      ce_id: id,
      ce_source: 'urn:as',
      ce_type: 'nl.medmij.authorization.granted.v1',
      ce_correlationid: id,
      'content-type': 'application/json',
    };
    for (;;) {
      try {
        this.producer ??= await this.connect();
        const messages = [{ key, headers, value: JSON.stringify(request) }];
        await this.producer.send({ topic: this.prefix + incomingTopic, acks: -1, messages });
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, retryEveryMs));
      }
    }
  }

  /** A foreign member joins the service's consumer group, keeps its partitions unread for a while, and leaves. */
  async joinGroupFor(ms: number): Promise<boolean> {
    const consumer = this.kafka.consumer({
      groupId: `${this.prefix}medmij-subscriptions.authorizations`,
      // Should it die here, the group is soon rid of it.
      sessionTimeout: foreignSessionMs,
      rebalanceTimeout: foreignSessionMs,
      retry: { retries: 0 },
    });
    try {
      const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve));
      await consumer.connect();
      await consumer.subscribe({ topic: this.prefix + incomingTopic });
      await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: () => Promise.resolve() });
      await Promise.race([joined, notInTime(joinWithinMs)]);
      await new Promise((resolve) => setTimeout(resolve, ms));
      return true;
    } catch {
      return false;
    } finally {
      await consumer.disconnect().catch(() => undefined);
    }
  }

  /** Hands over every record of a topic as it is now, each partition in its order. */
  async readAll(topic: string, see: (record: TopicRecord) => void): Promise<void> {
    const name = this.prefix + topic;
    const admin = this.kafka.admin();
    await admin.connect();
    const offsets = await admin.fetchTopicOffsets(name);
    await admin.disconnect();
    const left = new Map(
      offsets.filter(({ low, high }) => BigInt(high) > BigInt(low)).map((end) => [end.partition, BigInt(end.high)]),
    );
    if (left.size === 0) return;
    const groupId = `whole-topic-${randomBytes(6).toString('hex')}`;
    const consumer = this.kafka.consumer({ groupId, maxBytesPerPartition: 4 * 1024 * 1024, maxWaitTimeInMs: 50 });
    await consumer.connect();
    try {
      await consumer.subscribe({ topic: name, fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        consumer.on('consumer.crash', ({ payload }) => reject(payload.error));
        consumer
          .run({
            autoCommit: false,
            eachBatch: ({ batch: { partition, messages } }) => {
              for (const message of messages) {
                const end = left.get(partition);
                if (end === undefined || BigInt(message.offset) >= end) continue;
                see(record(partition, message));
                if (BigInt(message.offset) + 1n === end) left.delete(partition);
              }
              if (left.size === 0) resolve();
              return Promise.resolve();
            },
          })
          .catch(reject);
      });
    } finally {
      await consumer.disconnect();
    }
  }

  async close(): Promise<void> {
    await this.producer?.disconnect().catch(() => undefined);
  }

  private async connect(): Promise<Producer> {
    const producer = this.kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    return producer;
  }
}

async function notInTime(limitMs: number): Promise<never> {
  await pause(limitMs, undefined, { ref: false });
  throw new Error('not in time');
}

function record(partition: number, { offset, key, headers, value }: KafkaMessage): TopicRecord {
  const texts = Object.entries(headers ?? {}).map(([name, header]) => [name, String(header)] as const);
  return {
    partition,
    offset,
    key: key?.toString() ?? '',
    headers: Object.fromEntries(texts),
    value: value?.toString() ?? '',
  };
}
