import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  type Admin,
  type Consumer,
  type EachBatchPayload,
  Kafka,
  type KafkaConfig,
  type KafkaMessage,
  logLevel,
  Partitioners,
  type Producer,
} from 'kafkajs';
import { describeError, groupBy, type Logger } from '../platform';
import type { ConsumeOptions, Consumption, EventTransport, IncomingRecord, OutgoingRecord } from './event-transport';
import { partitionsAtCreation, topics } from './topics';

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
/** Records in hand at once from one partition. */
const chunkMax = 200;
const heartbeatEveryMs = 2_000;
const sessionTimeoutMs = 10_000;
const pauseMs = { first: 100, max: 5_000 };

/** The only file that knows kafkajs. */
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
    // The default partitioner is the Java client's murmur2, so that other producers of the same keys agree with us.
    const producer = this.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
    });
    await producer.connect();
    return producer;
  }

  /** Once, before the first use; tried again while it fails. */
  private ensureTopics(): Promise<void> {
    this.topicsReady ??= this.makeTopics().catch((error: unknown) => {
      this.topicsReady = undefined;
      throw error;
    });
    return this.topicsReady;
  }

  private async makeTopics(): Promise<void> {
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      const present = new Set(await admin.listTopics());
      const missing = Object.values(topics).filter(({ name }) => !present.has(this.prefixed(name)));
      if (missing.length === 0) return;
      if (!this.options.createTopics) {
        throw new Error(`Kafka topics are missing: ${missing.map(({ name }) => this.prefixed(name)).join(', ')}`);
      }
      await admin.createTopics({
        waitForLeaders: true,
        topics: missing.map((topic) => ({
          topic: this.prefixed(topic.name),
          numPartitions: partitionsAtCreation,
          replicationFactor: -1,
          configEntries: 'retentionMs' in topic ? [{ name: 'retention.ms', value: String(topic.retentionMs) }] : [],
        })),
      });
    } finally {
      await admin.disconnect();
    }
  }

  private prefixed(topic: string): string {
    return `${this.options.topicPrefix}${topic}`;
  }
}

/** One consumer of one topic. kafkajs may give up silently; then a new consumer takes its place. */
class KafkaConsumption implements Consumption {
  private stopping = false;
  private connected = false;
  private failingSince?: number;
  private lastError?: string;
  /** Since when records fail, by partition and offset: that others are handled meanwhile does not make it well. */
  private readonly stuck = new Map<string, number>();
  private readonly done: Promise<void>;
  private restart: () => void = () => undefined;

  constructor(
    private readonly kafka: Kafka,
    private readonly group: string,
    private readonly topic: string,
    private readonly options: ConsumeOptions,
    private readonly ready: () => Promise<void>,
    private readonly log: Logger,
  ) {
    this.done = this.run();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.restart();
    await this.done;
  }

  state() {
    const { connected, lastError } = this;
    const [failingSince] = this.stuck.size > 0 ? [...this.stuck.values()].sort((a, b) => a - b) : [this.failingSince];
    return { connected, ...(failingSince !== undefined && { failingSince, lastError }) };
  }

  private async run(): Promise<void> {
    for (let failures = 0; !this.stopping; failures += 1) {
      try {
        await this.ready();
        await this.consumeUntilItEnds(() => (failures = 0));
      } catch (error) {
        this.failed(error);
      }
      if (!this.stopping) await this.pause(failures);
    }
  }

  private async consumeUntilItEnds(joined: () => void): Promise<void> {
    const consumer = this.kafka.consumer({
      groupId: this.group,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: heartbeatEveryMs,
      maxWaitTimeInMs: 100,
      allowAutoTopicCreation: false,
    });
    const ended = new Promise<void>((resolve) => {
      this.restart = resolve;
      consumer.on('consumer.crash', ({ payload }) => {
        this.failed(payload.error);
        if (!payload.restart) resolve();
      });
      consumer.on('consumer.group_join', () => {
        this.connected = true;
        this.failingSince = undefined;
        joined();
      });
    });
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [this.topic], fromBeginning: true });
      await consumer.run({
        eachBatchAutoResolve: false,
        autoCommit: false,
        partitionsConsumedConcurrently: partitionsAtCreation,
        eachBatch: (payload) => this.eachBatch(consumer, payload),
      });
      if (!this.stopping) await ended;
    } finally {
      this.connected = false;
      await consumer.disconnect().catch(() => undefined);
    }
  }

  private async eachBatch(consumer: Consumer, payload: EachBatchPayload): Promise<void> {
    const { batch, resolveOffset, heartbeat } = payload;
    // Heartbeats on a timer of their own: a slow database must not cost the partition.
    const beat = setInterval(() => void heartbeat().catch(() => undefined), heartbeatEveryMs);
    try {
      for (let start = 0; start < batch.messages.length; start += chunkMax) {
        const chunk = batch.messages.slice(start, start + chunkMax);
        const isOver = () => this.stopping || !payload.isRunning() || payload.isStale();
        if (isOver() || !(await this.handleChunk(chunk, batch.partition, isOver))) return;
        const last = chunk.at(-1)!.offset;
        resolveOffset(last);
        await consumer.commitOffsets([
          { topic: this.topic, partition: batch.partition, offset: String(BigInt(last) + 1n) },
        ]);
      }
    } finally {
      clearInterval(beat);
    }
  }

  /** Whether every record was handled; those of one key one after the other. */
  private async handleChunk(chunk: KafkaMessage[], partition: number, isOver: () => boolean): Promise<boolean> {
    const byKey = groupBy(chunk, ({ key, offset }) => key?.toString('base64') ?? `offset ${offset}`);
    const handled = await Promise.all(
      [...byKey.values()].map(async (messages) => {
        for (const message of messages) {
          if (!(await this.handleUntilDone(this.incoming(message, partition), isOver))) return false;
        }
        return true;
      }),
    );
    return handled.every(Boolean);
  }

  private async handleUntilDone(record: IncomingRecord, isOver: () => boolean): Promise<boolean> {
    const place = `${record.partition} ${record.offset}`;
    try {
      for (let failures = 0; !isOver(); failures += 1) {
        try {
          await this.options.handle(record);
          return true;
        } catch (error) {
          if (failures === 0) this.stuck.set(place, performance.now());
          this.report(error);
          await this.pause(failures);
        }
      }
      return false;
    } finally {
      this.stuck.delete(place);
    }
  }

  private incoming({ offset, key, headers, value }: KafkaMessage, partition: number): IncomingRecord {
    return { topic: this.options.topic, partition, offset, key, headers: withoutNulls(headers), value };
  }

  private failed(error: unknown): void {
    this.failingSince ??= performance.now();
    this.report(error);
  }

  private report(error: unknown): void {
    this.lastError = error instanceof Error ? error.message : String(error);
    if (!this.stopping) this.log.error({ topic: this.options.topic, error: describeError(error) }, 'consumer.failed');
  }

  private pause(failures: number): Promise<void> {
    return new Promise((resolve) =>
      setTimeout(resolve, Math.min(pauseMs.first * 2 ** Math.min(failures, 10), pauseMs.max)),
    );
  }
}

/** A header may have no value at all. kafkajs reads that as null, which its types do not know and its producer cannot write. */
function withoutNulls(headers: KafkaMessage['headers'] = {}): IncomingRecord['headers'] {
  const present = (value: Buffer | string | null) => value ?? Buffer.alloc(0);
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.map(present) : present(value!)]),
  );
}

/** kafkajs stumbles over a header that is undefined, and the whole batch with it. */
function withoutAbsent(headers: OutgoingRecord['headers']): OutgoingRecord['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
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
