import { type Consumer, type EachBatchPayload, type Kafka, KafkaJSNonRetriableError, type KafkaMessage } from 'kafkajs';
import { describeError, type Logger } from '../platform';
import type { ConsumeOptions, Consumption, IncomingRecord } from './event-transport';
import { PartitionQueue } from './partition-queue';

const heartbeatEveryMs = 2_000;
/** What a killed process held is free after this long: near the six seconds that are the least a broker allows as it comes. */
const sessionTimeoutMs = 7_000;
const pauseMs = { first: 100, max: 5_000 };
/** How long the broker may hold an answer back while there is nothing new; a record that comes ends the wait. */
const fetchWaitMs = 500;
/** A consumer that has not asked for records for so many looks in a row has stopped silently. */
const silentLooksMax = 6;
const lookEveryMs = 5_000;

/**
 * One consumer of one topic. What is fetched goes straight into a queue for each partition, so that the fetches, and with them
 * the heartbeats of kafkajs, never wait for a record. kafkajs may give up silently; then a new consumer takes its place.
 */
export class KafkaConsumption implements Consumption {
  private stopping = false;
  private connected = false;
  private failingSince?: number;
  private lastError?: string;
  /** Since when records fail, by partition and offset: that others are handled meanwhile does not make it well. */
  private readonly stuck = new Map<string, number>();
  /** One for each partition of ours in this generation of the group. */
  private queues = new Map<number, PartitionQueue>();
  /** What queues of former generations still have in hand. */
  private former: Promise<unknown> = Promise.resolve();
  private readonly done: Promise<void>;
  private restart: () => void = () => undefined;

  constructor(
    private readonly kafka: Kafka,
    private readonly group: string,
    /** As the broker knows it. */
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
      if (!this.stopping) await pause(failures);
    }
  }

  private async consumeUntilItEnds(joined: () => void): Promise<void> {
    const consumer = this.kafka.consumer({
      groupId: this.group,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: heartbeatEveryMs,
      maxWaitTimeInMs: fetchWaitMs,
      allowAutoTopicCreation: false,
      // Beginning again is for us: kafkajs would begin again with a consumer that we have left, and it would keep its partitions.
      retry: { restartOnFailure: () => Promise.resolve(false) },
    });
    const ended = new Promise<void>((resolve) => {
      this.restart = resolve;
      consumer.on('consumer.crash', ({ payload }) => {
        this.failed(payload.error);
        resolve();
      });
      consumer.on('consumer.group_join', ({ payload }) => {
        joined();
        this.assigned(consumer, payload.memberAssignment[this.topic] ?? []);
      });
    });
    const stopWatching = this.watchForSilence(consumer);
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [this.topic], fromBeginning: true });
      await consumer.run({
        eachBatchAutoResolve: false,
        autoCommit: false,
        eachBatch: (payload) => Promise.resolve(this.takeIn(consumer, payload)),
      });
      if (!this.stopping) await ended;
    } finally {
      stopWatching();
      this.connected = false;
      this.endQueues();
      await this.former;
      await consumer.disconnect().catch(() => undefined);
    }
  }

  /** Liveness by progress: kafkajs can stop fetching without a word. Looks are counted, so that a frozen process is no silence. */
  private watchForSilence(consumer: Consumer): () => void {
    let silentLooks = 0;
    consumer.on('consumer.fetch', () => void (silentLooks = 0));
    const timer = setInterval(() => {
      silentLooks += 1;
      if (silentLooks < silentLooksMax || !this.connected) return;
      this.failed(new Error('The consumer stopped asking for records.'));
      this.restart();
    }, lookEveryMs);
    return () => clearInterval(timer);
  }

  /** A new generation: its partitions stand still until it is known where each one begins. */
  private assigned(consumer: Consumer, partitions: number[]): void {
    consumer.pause([{ topic: this.topic, partitions }]);
    const ending = this.endQueues();
    const queues = new Map(
      partitions.map((partition) => {
        const work = {
          handle: (record: IncomingRecord, isOver: () => boolean) => this.handleUntilDone(record, isOver),
          handled: (offset: string, isOver: () => boolean) => this.commit(consumer, partition, offset, isOver),
          hasRoom: () => {
            if (this.queues !== queues) return;
            whileInGroup(() => consumer.resume([{ topic: this.topic, partitions: [partition] }]));
          },
          after: ending.get(partition) ?? Promise.resolve(),
        };
        return [partition, new PartitionQueue(work)];
      }),
    );
    this.queues = queues;
    void this.begin(consumer, queues);
  }

  private endQueues(): Map<number, Promise<void>> {
    const ending = new Map([...this.queues].map(([partition, queue]) => [partition, queue.end()]));
    this.queues = new Map();
    this.former = Promise.all([this.former, ...ending.values()]);
    return ending;
  }

  private async begin(consumer: Consumer, queues: Map<number, PartitionQueue>): Promise<void> {
    const isOver = () => this.stopping || this.queues !== queues;
    const partitions = [...queues.keys()];
    const begins = await this.untilItWorks(() => this.beginsOf(partitions), isOver);
    if (begins === undefined || isOver()) return;
    whileInGroup(() => {
      for (const [partition, offset] of begins) consumer.seek({ topic: this.topic, partition, offset });
      consumer.resume([{ topic: this.topic, partitions }]);
      this.connected = true;
      this.failingSince = undefined;
    });
  }

  /**
   * Where partitions begin when it is not where the broker remembers: at the earlier of the two memories. What the broker has
   * moved past and a restored database has lost is read again; handling a record twice is harmless, leaving one out is not.
   */
  private async beginsOf(partitions: number[]): Promise<Map<number, string>> {
    const { offsets } = this.options;
    if (!offsets) return new Map();
    const [stored, committed] = await Promise.all([offsets.read(), this.committed()]);
    const begins = new Map<number, string>();
    for (const partition of partitions) {
      const broker = committed.get(partition) ?? 0n;
      const own = stored.get(partition) ?? 0n;
      if (own < broker) begins.set(partition, String(own));
      // The broker knows an earlier place, as when the topic was made anew: ours is not to be believed any more.
      if (own > broker) await offsets.setBack(partition, broker);
    }
    return begins;
  }

  private async committed(): Promise<Map<number, bigint>> {
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      const [ofTopic] = await admin.fetchOffsets({ groupId: this.group, topics: [this.topic] });
      const known = (ofTopic?.partitions ?? []).filter(({ offset }) => BigInt(offset) >= 0n);
      return new Map(known.map(({ partition, offset }) => [partition, BigInt(offset)]));
    } finally {
      await admin.disconnect();
    }
  }

  private takeIn(consumer: Consumer, { batch, resolveOffset, isRunning, isStale }: EachBatchPayload): void {
    const { partition, messages } = batch;
    const queue = this.queues.get(partition);
    const last = messages.at(-1);
    if (!queue || !last || !isRunning() || isStale()) return;
    queue.add(messages.map((message) => this.incoming(message, partition)));
    resolveOffset(last.offset);
    if (queue.isFull()) whileInGroup(() => consumer.pause([{ topic: this.topic, partitions: [partition] }]));
  }

  private async commit(consumer: Consumer, partition: number, offset: string, isOver: () => boolean): Promise<void> {
    const { offsets } = this.options;
    if (offsets) await this.untilItWorks(() => offsets.save(partition, BigInt(offset)), isOver);
    // A commit that fails (the group is in motion, the broker away) is made good by the next one; until then some is read twice.
    await consumer
      .commitOffsets([{ topic: this.topic, partition, offset }])
      .catch((error: unknown) => this.log.debug({ topic: this.topic, error: describeError(error) }, 'commit.failed'));
  }

  private async handleUntilDone(record: IncomingRecord, isOver: () => boolean): Promise<boolean> {
    const place = `${record.partition} ${record.offset}`;
    try {
      const handled = await this.untilItWorks(
        async () => {
          await this.options.handle(record);
          return true;
        },
        isOver,
        () => this.stuck.set(place, this.stuck.get(place) ?? performance.now()),
      );
      return handled ?? false;
    } finally {
      this.stuck.delete(place);
    }
  }

  /** The result of `work`, tried again with growing pauses; undefined when it is over before it worked. */
  private async untilItWorks<Result>(
    work: () => Promise<Result>,
    isOver: () => boolean,
    onFailure: () => void = () => undefined,
  ): Promise<Result | undefined> {
    for (let failures = 0; !isOver(); failures += 1) {
      try {
        return await work();
      } catch (error) {
        onFailure();
        this.report(error);
        await pause(failures);
      }
    }
    return undefined;
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
}

/**
 * A consumer that lost its broker has let its group go until it begins again, and throws at whoever speaks of partitions; the
 * next generation of the group asks anew. Thrown into a queue at work, it would end the process.
 */
function whileInGroup(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof KafkaJSNonRetriableError)) throw error;
  }
}

function pause(failures: number): Promise<void> {
  const ms = Math.min(pauseMs.first * 2 ** Math.min(failures, 10), pauseMs.max);
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A header may have no value at all. kafkajs reads that as null, which its types do not know and its producer cannot write. */
function withoutNulls(headers: KafkaMessage['headers'] = {}): IncomingRecord['headers'] {
  const present = (value: Buffer | string | null) => value ?? Buffer.alloc(0);
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.map(present) : present(value!)]),
  );
}
