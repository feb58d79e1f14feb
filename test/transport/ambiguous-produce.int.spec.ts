import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type KafkaServer, startKafka } from '../../dev/embedded/kafka';
import { freePort } from '../../dev/ports';
import { createLogger } from '../../src/platform';
import { KafkaTransport, type OutgoingRecord, topics } from '../../src/transport';
import { eventually } from '../support/eventually';
import { OtherSide, topicPrefix } from '../support/kafka';
import { BrokerProxy } from './broker-proxy';

const keys = 20;
const batchSize = 100;
const batches = 12;

/** The n-th batch: records numbered through, each key's in the order of their numbers. */
const batch = (n: number): OutgoingRecord[] =>
  Array.from({ length: batchSize }, (_, index) => ({
    topic: topics.subscriptions.name,
    key: `key ${index % keys}`,
    headers: {},
    value: String(n * batchSize + index),
  }));

/** A broker stores a batch and its answer is lost: kafkajs takes its sequence numbers back then, so much depends on what follows. */
describe('a batch whose answer is lost', () => {
  let folder: string;
  let kafka: KafkaServer;
  let proxy: BrokerProxy;
  let transport: KafkaTransport;
  let otherSide: OtherSide;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'medmij-ambiguous-'));
    const [proxyPort, port] = [await freePort(), await freePort(2)];
    // Before the broker, which is ready only when it can be reached as it says of itself.
    proxy = await BrokerProxy.start(proxyPort, port);
    const settings = { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${proxyPort}` };
    kafka = await startKafka({ dataDir: folder, port, settings });
  }, 120_000);
  afterEach(async () => {
    await transport.close();
    await otherSide.close();
  });
  afterAll(async () => {
    await proxy.stop();
    await kafka.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const connect = async () => {
    const prefix = topicPrefix();
    const options = {
      brokers: [kafka.brokers],
      clientId: 'ambiguous',
      ssl: false,
      topicPrefix: prefix,
      createTopics: true,
    };
    transport = new KafkaTransport(options, createLogger('silent'));
    otherSide = new OtherSide(prefix, [kafka.brokers]);
    await transport.publish(batch(0));
    await otherSide.follow(topics.subscriptions.name);
  };
  /** Everything that the topic holds in the end, by key. */
  const stored = async (count: number) => {
    await eventually(() => expect(otherSide.seen.length).toBeGreaterThanOrEqual(count));
    const byKey = new Map<string, number[]>();
    for (const { key, value } of otherSide.seen) byKey.set(key!, [...(byKey.get(key!) ?? []), Number(value)]);
    return [...byKey.values()];
  };

  it.each([
    { how: 'once', times: 1 },
    { how: 'more often than kafkajs tries by itself', times: 7 },
  ])('$how is stored once, in order, with all that follow', async ({ times }) => {
    await connect();
    const lostBefore = proxy.lostAnswers;
    for (let n = 1; n < batches; n += 1) {
      if (n === 3 || n === 4) proxy.loseAnswers(times);
      await transport.publish(batch(n));
    }
    expect(proxy.lostAnswers - lostBefore).toBe(2 * times);
    const values = await stored(batches * batchSize);
    for (const ofKey of values) expect(ofKey).toEqual([...new Set(ofKey)].sort((a, b) => a - b));
    expect(new Set(values.flat()).size).toBe(batches * batchSize);
    expect(otherSide.seen).toHaveLength(batches * batchSize);
  });
});
