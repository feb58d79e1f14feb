import { connect } from 'node:net';
import { type Consumer, type EachBatchPayload, Kafka, logLevel, type Message, type Producer } from 'kafkajs';
import { eventually } from '../test/support/eventually';

/** kafkajs with nothing around it, set up as its own documentation and the service's transport would. */
export class BareKafka {
  private readonly kafka: Kafka;
  private producer?: Producer;
  private readonly consumers: Consumer[] = [];

  constructor(brokers: readonly string[]) {
    this.kafka = new Kafka({
      clientId: 'bench',
      brokers: [...brokers],
      logLevel: logLevel.NOTHING,
      socketFactory: ({ host, port, onConnect }) => connect({ host, port }, onConnect).setNoDelay(true),
    });
  }

  async createTopic(topic: string, numPartitions: number): Promise<void> {
    const admin = this.kafka.admin();
    await admin.connect();
    // kafkajs gives up at the first broker that has not heard of the topic yet.
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions, replicationFactor: -1 }] });
    await eventually(() => admin.fetchTopicMetadata({ topics: [topic] }));
    await admin.disconnect();
  }

  /** One batch after the other, each acknowledged by all. */
  async send(topic: string, messages: readonly Message[], batchSize: number): Promise<void> {
    this.producer ??= await this.connectProducer();
    for (let start = 0; start < messages.length; start += batchSize) {
      await this.producer.sendBatch({
        acks: -1,
        topicMessages: [{ topic, messages: messages.slice(start, start + batchSize) }],
      });
    }
  }

  /** From the beginning of the topic, in batches, as they come. */
  async follow(topic: string, eachBatch: (batch: EachBatchPayload['batch']) => void): Promise<void> {
    const consumer = this.kafka.consumer({
      groupId: `bench-${process.pid}-${this.consumers.length}`,
      maxWaitTimeInMs: 20,
    });
    this.consumers.push(consumer);
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }) => {
        eachBatch(batch);
        return Promise.resolve();
      },
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.producer?.disconnect(), ...this.consumers.map((consumer) => consumer.disconnect())]);
  }

  private async connectProducer(): Promise<Producer> {
    const producer = this.kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
    await producer.connect();
    return producer;
  }
}
