import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Admin, Kafka, type KafkaConfig, logLevel, type Producer } from 'kafkajs';
import { groupBy, type Logger } from '../platform';
import type { ConsumeOptions, Consumption, EventTransport, OutgoingRecord } from './event-transport';
import { javaPartitioner } from './java-partitioner';
import { KafkaConsumption } from './kafka.consumption';
import { readBack } from './kafka.read-back';
import { makeTopics } from './kafka.topics';
import { mendIdleTimer } from './kafkajs-idle-timer';

export interface KafkaOptions {
  brokers: string[];
  clientId: string;
  ssl: boolean;
  sasl?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string };
  topicPrefix: string;
  /** Create missing topics; otherwise they are only checked. */
  createTopics: boolean;
}

/** Tries of one batch with one producer; after them the caller starts again with a new producer. */
const publishAttemptsMax = 3;

/** Apache Kafka through kafkajs. */
export class KafkaTransport implements EventTransport {
  private readonly kafka: Kafka;
  private producer?: Producer;
  private admin?: Admin;
  private topicsReady?: Promise<void>;
  private publishing: Promise<unknown> = Promise.resolve();
  private readonly consumptions = new Set<Consumption>();

  constructor(
    private readonly options: KafkaOptions,
    private readonly log: Logger,
  ) {
    mendIdleTimer();
    this.kafka = new Kafka({
      clientId: options.clientId,
      brokers: options.brokers,
      ssl: options.ssl,
      sasl: options.sasl as KafkaConfig['sasl'],
      connectionTimeout: 3_000,
      requestTimeout: 10_000,
      retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 },
      socketFactory,
      logLevel: logLevel.WARN,
      // kafkajs calls many passing states errors ("coordinator is loading"); what fails for good reaches our own log.
      logCreator: () => (entry) => this.log.debug({ kafkajs: entry.namespace }, entry.log.message),
    });
  }

  /** One batch in flight: the idempotent producer of kafkajs loses its sequence when two fail at once. */
  publish(records: readonly OutgoingRecord[]): Promise<void> {
    const turn = this.publishing.then(() => this.send(records));
    this.publishing = turn.catch(() => undefined);
    return turn;
  }

  consume(options: ConsumeOptions): Consumption {
    const consumption = new KafkaConsumption(
      this.kafka,
      this.prefixed(options.group),
      this.prefixed(options.topic),
      options,
      () => this.ensureTopics(),
      this.log,
    );
    this.consumptions.add(consumption);
    return consumption;
  }

  async readBack(topic: string, header: string, since: Date): Promise<string[]> {
    await this.ensureTopics();
    return readBack(this.kafka, this.prefixed(topic), header, since);
  }

  async ping(): Promise<void> {
    this.admin ??= this.kafka.admin({ retry: { retries: 0 } });
    try {
      await this.admin.connect();
      await this.admin.describeCluster();
    } catch (error) {
      const { admin } = this;
      this.admin = undefined;
      await admin.disconnect().catch(() => undefined);
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.consumptions].map((consumption) => consumption.stop()));
    await this.publishing;
    await this.producer?.disconnect().catch(() => undefined);
    await this.admin?.disconnect().catch(() => undefined);
  }

  private async send(records: readonly OutgoingRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.ensureTopics();
    const topicMessages = [...groupBy(records, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
      topic: this.prefixed(topic),
      messages: ofTopic.map(({ key, value, headers }) => ({ key, value, headers: withoutAbsent(headers) })),
    }));
    for (let attempt = 1; ; attempt += 1) {
      try {
        this.producer ??= await this.connectProducer();
        await this.producer.sendBatch({ acks: -1, topicMessages });
        return;
      } catch (error) {
        if (this.producer && attempt < publishAttemptsMax) continue;
        // Nobody knows what of the batch was stored: the next attempt starts with a producer that has no memory of it.
        const { producer } = this;
        this.producer = undefined;
        await producer?.disconnect().catch(() => undefined);
        throw error;
      }
    }
  }

  private async connectProducer(): Promise<Producer> {
    const producer = this.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: javaPartitioner,
      allowAutoTopicCreation: false,
    });
    await producer.connect();
    return producer;
  }

  /** Once, before the first use; tried again while it fails. */
  private ensureTopics(): Promise<void> {
    const { topicPrefix, createTopics } = this.options;
    this.topicsReady ??= makeTopics(this.kafka, topicPrefix, createTopics).catch((error: unknown) => {
      this.topicsReady = undefined;
      throw error;
    });
    return this.topicsReady;
  }

  private prefixed(topic: string): string {
    return `${this.options.topicPrefix}${topic}`;
  }
}

/** kafkajs stumbles over a header that is undefined, and the whole batch with it. */
function withoutAbsent(headers: OutgoingRecord['headers']): OutgoingRecord['headers'] {
  for (const name in headers) {
    if (headers[name] === undefined)
      return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  }
  return headers;
}

/** As kafkajs's own, with Nagle's algorithm off: a lone message waits 40 ms otherwise. */
const socketFactory: KafkaConfig['socketFactory'] = ({ host, port, ssl, onConnect }) => {
  const socket = ssl
    ? connectTls({ host, port, servername: host, ...ssl }, onConnect)
    : connectTcp({ host, port }, onConnect);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 60_000);
  return socket;
};
