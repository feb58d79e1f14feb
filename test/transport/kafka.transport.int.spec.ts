import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import { createLogger } from '../../src/platform';
import { type EventTransport, type IncomingRecord, KafkaTransport, topics } from '../../src/transport';
import { eventually } from '../support/eventually';
import { brokers, OtherSide, topicPrefix } from '../support/kafka';
import { transportContract } from './contract';

const open: EventTransport[] = [];
function connect(topicPrefix: string, options: { createTopics?: boolean; brokers?: string[] } = {}): KafkaTransport {
  const transport = new KafkaTransport(
    { brokers: brokers(), clientId: 'transport-test', ssl: false, topicPrefix, createTopics: true, ...options },
    createLogger('silent'),
  );
  open.push(transport);
  return transport;
}
const closeAll = async () => {
  await Promise.all(open.splice(0).map((transport) => transport.close()));
};

transportContract('the transport over Kafka', () => {
  const prefix = topicPrefix();
  return Promise.resolve({ connect: () => connect(prefix), close: closeAll });
});

describe('over Kafka', () => {
  const admin = new Kafka({ clientId: 'admin', brokers: brokers(), logLevel: logLevel.NOTHING }).admin();
  const prefix = topicPrefix();
  const names = Object.values(topics)
    .map(({ name }) => prefix + name)
    .sort();
  beforeAll(() => admin.connect());
  afterEach(closeAll);
  afterAll(() => admin.disconnect());

  it('makes missing topics with 12 partitions; those that hold subjects keep them for 7 days at most', async () => {
    const transport = connect(prefix);
    // Two processes that start at once both find them missing.
    await Promise.all(
      [transport, connect(prefix)].map((each) =>
        each.publish([{ topic: topics.subscriptions.name, key: 'k', headers: {}, value: 'v' }]),
      ),
    );
    const { topics: made } = await admin.fetchTopicMetadata({ topics: names });
    expect(made.map(({ name, partitions }) => [name, partitions.length]).sort()).toEqual(
      names.map((name) => [name, 12]),
    );
    const configNames = ['retention.ms', 'cleanup.policy'];
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: names.map((name) => ({ type: 2, name, configNames })),
    });
    const configs = Object.fromEntries(
      resources.map(({ resourceName, configEntries }) => [
        resourceName.slice(prefix.length),
        Object.fromEntries(configEntries.map(({ configName, configValue }) => [configName, configValue])),
      ]),
    );
    expect(Object.values(configs).map((config) => config['cleanup.policy'])).toEqual(names.map(() => 'delete'));
    const dayMs = 24 * 60 * 60 * 1000;
    for (const { name } of [topics.authorizations, topics.deadLetters]) {
      expect(Number(configs[name]!['retention.ms'])).toBeGreaterThan(0);
      expect(Number(configs[name]!['retention.ms'])).toBeLessThanOrEqual(7 * dayMs);
    }
  });

  it('only checks the topics when it may not make them, and names those that are missing', async () => {
    const elsewhere = topicPrefix();
    const transport = connect(elsewhere, { createTopics: false });
    const missing = `Kafka topics are missing: ${Object.values(topics)
      .map(({ name }) => elsewhere + name)
      .join(', ')}`;
    const record = { topic: topics.subscriptions.name, key: 'k', headers: {}, value: 'v' };
    await expect(transport.publish([record])).rejects.toThrow(missing);
    const consumption = transport.consume({
      group: 'g',
      topic: topics.authorizations.name,
      handle: () => Promise.resolve(),
    });
    await eventually(() =>
      expect(consumption.state()).toEqual({ connected: false, failingSince: expect.any(Number), lastError: missing }),
    );
    expect(await admin.listTopics()).not.toContain(elsewhere + topics.subscriptions.name);
    // Somebody makes them: it goes on by itself.
    await connect(elsewhere).publish([record]);
    await expect(transport.publish([record])).resolves.toBeUndefined();
    await eventually(() => expect(consumption.state()).toEqual({ connected: true }));
  });

  it('puts a key into the partition that the Java client would choose', async () => {
    const keys = [
      ...['21', 'foobar', 'a-little-bit-long-string', 'a-little-bit-longer-string', 'abc', ''],
      'lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8',
      ...['é', '\u{1F600} wordt \u00ff', '0b9f7a44-5b0e-8c11-9d3e-5f0c7d2a1b33'],
      ...Array.from({ length: 60 }, () => randomUUID()),
    ];
    const transport = connect(prefix);
    const topic = topics.deadLetters.name;
    await transport.publish(keys.map((key) => ({ topic, key, headers: {}, value: null })));
    const otherSide = new OtherSide(prefix);
    await otherSide.follow(topic);
    await eventually(() => expect(otherSide.seen).toHaveLength(keys.length));
    await otherSide.close();
    const chosen = Object.fromEntries(otherSide.seen.map(({ key, partition }) => [key, partition]));
    expect(chosen).toEqual(Object.fromEntries(keys.map((key) => [key, javaPartition(Buffer.from(key), 12)])));
  });

  it('goes on fetching other partitions while one record keeps failing, and says that it fails', async () => {
    const transport = connect(prefix);
    const topic = topics.authorizations.name;
    const run = randomUUID();
    const poison = `${run} poison`;
    const keysBeside = (word: string) =>
      Array.from({ length: 100 }, (_, n) => `${run} ${word} ${n}`).filter(
        (key) => javaPartition(Buffer.from(key), 12) !== javaPartition(Buffer.from(poison), 12),
      );
    const send = (keys: string[]) =>
      transport.publish(keys.map((key) => ({ topic, key, headers: {}, value: 'value' })));
    const seen = new Set<string>();
    let isFailing = true;
    const consumption = transport.consume({
      group: run,
      topic,
      handle: ({ key }) => {
        if (String(key) === poison && isFailing) return Promise.reject(new Error('poison'));
        seen.add(String(key));
        return Promise.resolve();
      },
    });
    // What comes with it, and then what must be fetched while it stands: far more than one partition lets wait.
    await send([poison, ...keysBeside('with')]);
    await eventually(() => expect(keysBeside('with').every((key) => seen.has(key))).toBe(true));
    const behind = Array.from({ length: 1_000 }, () => poison);
    for (const word of ['after', 'later', 'last']) {
      await send([...behind, ...keysBeside(word)]);
      await eventually(() => expect(keysBeside(word).every((key) => seen.has(key))).toBe(true));
    }
    expect(consumption.state()).toEqual({ connected: true, failingSince: expect.any(Number), lastError: 'poison' });
    expect(seen.has(poison)).toBe(false);
    isFailing = false;
    await eventually(() => expect(consumption.state()).toEqual({ connected: true }));
    expect(seen.has(poison)).toBe(true);
  });

  it('stays in its group while a record takes longer than a session lasts', async () => {
    const transport = connect(prefix);
    const topic = topics.authorizations.name;
    const run = randomUUID();
    const calls: string[] = [];
    let finish: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    transport.consume({
      group: run,
      topic,
      handle: async ({ key, value }) => {
        if (String(key) !== run) return;
        calls.push(String(value));
        if (String(value) === 'slow') await finished;
      },
    });
    await transport.publish([{ topic, key: run, headers: {}, value: 'slow' }]);
    await eventually(() => expect(calls).toEqual(['slow']));
    const startedAt = Date.now();
    // The session lasts 7 s: a member that was thrown out would get the record a second time.
    await eventually(() => expect(Date.now() - startedAt).toBeGreaterThan(10_000), 20_000);
    const { groups } = await admin.describeGroups([`${prefix}${run}`]);
    expect(groups.map(({ state, members }) => [state, members.length])).toEqual([['Stable', 1]]);
    finish();
    await transport.publish([{ topic, key: run, headers: {}, value: 'next' }]);
    await eventually(() => expect(calls).toEqual(['slow', 'next']));
  });

  it('takes in and passes on a header without a value, as other clients may send it', async () => {
    const topic = topics.authorizations.name;
    const run = randomUUID();
    const transport = connect(prefix);
    const otherSide = new OtherSide(prefix);
    // kafkajs itself cannot send one: it stumbles when it asks for its length.
    const byteLength = Buffer.byteLength.bind(Buffer);
    const spy = jest
      .spyOn(Buffer, 'byteLength')
      .mockImplementation((value, encoding) => (value === null ? 0 : byteLength(value, encoding)));
    await otherSide.send(topic, { key: run, value: '{}', headers: { nothing: null as unknown as Buffer, run } });
    spy.mockRestore();
    const seen: IncomingRecord[] = [];
    transport.consume({
      group: run,
      topic,
      handle: async (record) => void (String(record.key) === run && seen.push(record)),
    });
    await eventually(() => expect(seen).toHaveLength(1));
    await transport.publish([{ ...seen[0]!, topic: topics.subscriptions.name }]);
    await otherSide.follow(topics.subscriptions.name);
    await eventually(() =>
      expect(otherSide.seen.filter(({ key }) => key === run)).toMatchObject([{ headers: { nothing: '', run } }]),
    );
    await otherSide.close();
  });

  it('says that nobody answers a ping, and publishes nothing, when no broker is there', async () => {
    const transport = connect(prefix, { brokers: ['127.0.0.1:1'] });
    await expect(transport.ping()).rejects.toThrow();
    await expect(
      transport.publish([{ topic: topics.subscriptions.name, key: 'k', headers: {}, value: 'v' }]),
    ).rejects.toThrow();
  });
});

describe('the murmur2 of this test', () => {
  // From the Java client's own test (UtilsTest.testMurmur2).
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('gives what the Java client gives for %s', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
  });
});

function javaPartition(key: Buffer, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

/** MurmurHash2 by Austin Appleby, with the Java client's seed, in 32-bit arithmetic. */
function murmur2(data: Buffer): number {
  const m = 0x5bd1e995;
  let h = 0x9747b28c ^ data.length;
  const whole = data.length - (data.length % 4);
  for (let at = 0; at < whole; at += 4) {
    let k = Math.imul(data.readInt32LE(at), m);
    k = Math.imul(k ^ (k >>> 24), m);
    h = Math.imul(h, m) ^ k;
  }
  const rest = data.subarray(whole);
  for (let at = rest.length - 1; at >= 0; at -= 1) h ^= rest[at]! << (8 * at);
  if (rest.length > 0) h = Math.imul(h, m);
  h = Math.imul(h ^ (h >>> 13), m);
  return h ^ (h >>> 15);
}
