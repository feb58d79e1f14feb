import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { startKafka, type KafkaServer } from '../../dev/embedded/kafka';
import { freePort } from '../../dev/ports';
import { findProcess } from '../../dev/processes/identity';
import { leaveBehind, temporaryDataDirectory } from './left-behind';

async function asking<T>(brokers: string, question: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await question(admin);
  } finally {
    await admin.disconnect();
  }
}

// Several real starts in one test, on a machine that may be busy.
jest.setTimeout(180_000);

describe('the embedded Kafka', () => {
  const dataDir = temporaryDataDirectory();
  let port: number;
  let server: KafkaServer | undefined;
  const start = async () => (server = await startKafka({ dataDir, port }));

  beforeAll(async () => {
    port = await freePort(2);
  });
  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });
  afterAll(() => rmSync(dataDir, { recursive: true }));

  it('finds its topics again at the second start, on another port too', async () => {
    const first = await start();
    await asking(first.brokers, (admin) => admin.createTopics({ topics: [{ topic: 'kept' }], waitForLeaders: true }));
    await first.stop();
    port = await freePort(2);
    const second = await start();
    expect(await asking(second.brokers, (admin) => admin.listTopics())).toContain('kept');
  });

  it('adopts the broker a killed run left behind', async () => {
    const pid = await leaveBehind('kafka', dataDir, port);
    const adopted = await start();
    expect(adopted).toMatchObject({ pid, adopted: true });
    await adopted.stop();
    expect(findProcess(pid)).toBeUndefined();
  });

  it('replaces the broker a killed run left behind on another port', async () => {
    const pid = await leaveBehind('kafka', dataDir, port);
    port = await freePort(2);
    expect((await start()).pid).not.toBe(pid);
    expect(findProcess(pid)).toBeUndefined();
  });

  it('never takes a stranger with the recorded process id for its broker', async () => {
    const record = join(dataDir, 'kafka/broker.json');
    writeFileSync(record, JSON.stringify({ pid: process.pid, startedAt: findProcess(process.pid)!.startedAt }));
    expect((await start()).adopted).toBe(false);
    expect(findProcess(process.pid)).toBeDefined();
  });

  it.each([0, 1])('says in one sentence that its port or the next one is taken', async (above) => {
    const other = createServer().listen(port + above, '127.0.0.1');
    await new Promise((listening) => other.once('listening', listening));
    try {
      await expect(start()).rejects.toThrow(
        new RegExp(`^Port ${port + above}, .* EMBEDDED_KAFKA_PORT to a free port\\.$`),
      );
    } finally {
      other.close();
    }
  });

  it('says in one sentence that the data is of another version', async () => {
    const file = join(dataDir, 'kafka/data/made-by-version');
    const version = readFileSync(file, 'utf8');
    writeFileSync(file, '3.9.0');
    try {
      await expect(start()).rejects.toThrow(/made by Kafka 3\.9\.0 and this is Kafka [\d.]+: /);
    } finally {
      writeFileSync(file, version);
    }
  });
});
