import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { freePort, requireFreePort } from '../ports';
import { Problem, Stopped } from '../problem';
import { endProcess } from '../processes/identity';
import { runToEnd } from '../processes/run-to-end';
import {
  adoptServerProcess,
  findLeftBehind,
  startServerProcess,
  type ServerProcess,
} from '../processes/server-process';
import { unfinishedName } from '../unfinished';
import { findJava, kafkaClassPath, kafkaVersion } from './kafka-jars';

export interface KafkaOptions {
  /** The data directory of the whole project; the broker's lies below it. */
  readonly dataDir: string;
  /** Default: a free one. The controller listens on the next port. */
  readonly port?: number;
  /** Broker settings over the defaults. */
  readonly settings?: Record<string, string>;
  readonly signal?: AbortSignal;
  readonly say?: (line: string) => void;
}

export interface KafkaServer {
  /** For KAFKA_BROKERS. */
  readonly brokers: string;
  readonly port: number;
  readonly pid: number;
  readonly logFile: string;
  readonly adopted: boolean;
  /** Resolves when it ended, asked or not. */
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

const readyWithinMs = 90_000;
const stopWithinMs = 30_000;

interface Broker {
  /** Everything of the broker; the records are in `data` below it. */
  readonly folder: string;
  readonly port: number;
  readonly properties: string;
  readonly java: string;
  readonly classPath: string;
  readonly logFile: string;
  readonly signal: AbortSignal | undefined;
  readonly say: (line: string) => void;
}

const dataFolder = (folder: string) => join(folder, 'data');
const recordFile = (folder: string) => join(folder, 'broker.json');
const versionFile = (data: string) => join(data, 'made-by-version');

/** On the command line of our broker only: the folder whose broker this process is. */
const mark = (folder: string) => `-Dmedmij.kafka.folder=${folder}`;

/**
 * Starts the embedded Apache Kafka, one node that is broker and controller, or adopts the one an earlier run left behind.
 * @throws Problem
 */
export async function startKafka(options: KafkaOptions): Promise<KafkaServer> {
  const { signal, say = () => undefined } = options;
  mkdirSync(join(options.dataDir, 'kafka'), { recursive: true });
  const dataDir = realpathSync(options.dataDir);
  const folder = join(dataDir, 'kafka');
  requireSameVersion(folder);
  const java = await findJava();
  const classPath = await kafkaClassPath(say, signal);
  const port = options.port ?? (await freePort(2));
  const broker: Broker = {
    folder,
    port,
    properties: serverProperties(dataFolder(folder), port, options.settings),
    java,
    classPath,
    logFile: join(dataDir, 'logs/kafka.log'),
    signal,
    say,
  };
  const left = await adopt(broker);
  if (!left && !existsSync(dataFolder(folder))) await format(broker);
  const server = left ?? (await start(broker));
  return {
    brokers: `127.0.0.1:${port}`,
    port,
    pid: server.identity.pid,
    logFile: broker.logFile,
    adopted: left !== undefined,
    exited: server.exited,
    stop: () => server.stop('SIGTERM', stopWithinMs),
  };
}

function requireSameVersion(folder: string): void {
  const data = dataFolder(folder);
  if (!existsSync(data)) return;
  const found = existsSync(versionFile(data)) ? readFileSync(versionFile(data), 'utf8').trim() : 'an unknown version';
  if (found === kafkaVersion()) return;
  throw new Problem(
    `The data in ${data} was made by Kafka ${found} and this is Kafka ${kafkaVersion()}: ` +
      `delete the data directory to begin anew, or go back to the version of this project that made it.`,
  );
}

function serverProperties(data: string, port: number, settings: Record<string, string> = {}): string {
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.bootstrap.servers': `127.0.0.1:${port + 1}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': data,
    // The service creates its topics itself; a mistyped name must fail here as it does in production.
    'auto.create.topics.enable': 'false',
    // One node: every internal topic must do with one copy.
    'default.replication.factor': '1',
    'min.insync.replicas': '1',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    ...settings,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** Formatted under another name and renamed when whole, so that a start broken off leaves nothing half-made. */
async function format(broker: Broker): Promise<void> {
  const { folder, java, classPath, signal, say } = broker;
  say(`Making Kafka's data in ${dataFolder(folder)} ...`);
  const unfinished = unfinishedName(dataFolder(folder));
  const data = join(unfinished, 'data');
  const properties = join(unfinished, 'server.properties');
  mkdirSync(data, { recursive: true });
  writeFileSync(properties, serverProperties(data, broker.port));
  try {
    const clusterId = newClusterId();
    const { code, output } = await runToEnd(
      java,
      [
        ...quickStart,
        '-cp',
        classPath,
        'kafka.tools.StorageTool',
        'format',
        '--standalone',
        '--cluster-id',
        clusterId,
        '-c',
        properties,
      ],
      { signal },
    );
    if (code !== 0) throw new Problem(`Kafka could not make its data in ${folder}:\n${output.slice(-800)}`);
    writeFileSync(versionFile(data), kafkaVersion());
    renameSync(data, dataFolder(folder));
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

const quickStart = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];

/** Uses a broker left behind by a killed run when it has our settings and answers; else ends it. */
async function adopt(broker: Broker): Promise<ServerProcess | undefined> {
  const { folder, properties, say } = broker;
  const record = findLeftBehind(recordFile(folder), mark(folder));
  if (!record) return undefined;
  if (record.properties === properties && (await answersWithin(broker, 10_000))) {
    say(`Kafka from an earlier run (process ${record.pid}) is still there and is used again.`);
    return adoptServerProcess(record, recordFile(folder));
  }
  say(`Kafka from an earlier run (process ${record.pid}) is replaced.`);
  await endProcess(record, 'SIGTERM', stopWithinMs);
  return undefined;
}

async function start(broker: Broker): Promise<ServerProcess> {
  const { folder, port, java, classPath, logFile, properties, signal } = broker;
  if (signal?.aborted) throw new Stopped();
  await requireFreePort(port, 'EMBEDDED_KAFKA_PORT', 'the embedded Kafka');
  await requireFreePort(port + 1, 'EMBEDDED_KAFKA_PORT', "the embedded Kafka's controller (one above its own port)");
  const propertiesFile = join(folder, 'server.properties');
  writeFileSync(propertiesFile, properties);
  const server = await startServerProcess({
    command: java,
    args: [...quickStart, '-Xms256m', '-Xmx512m', mark(folder), '-cp', classPath, 'kafka.Kafka', propertiesFile],
    cwd: folder,
    logFile,
    recordFile: recordFile(folder),
    details: { properties },
  });
  const deadline = Date.now() + readyWithinMs;
  while (server.isRunning() && Date.now() < deadline && !signal?.aborted) {
    if (await answers(broker)) return server;
    await pause(100);
  }
  await server.stop('SIGTERM', stopWithinMs);
  if (signal?.aborted) throw new Stopped();
  const log = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-8).join('\n');
  throw new Problem(`Kafka did not start; the end of ${logFile}:\n${log}`);
}

async function answersWithin(broker: Broker, limitMs: number): Promise<boolean> {
  const deadline = Date.now() + limitMs;
  while (!(await answers(broker))) {
    if (Date.now() > deadline) return false;
    await pause(200);
  }
  return true;
}

/** A real round trip: the port is open seconds before the broker can serve. */
async function answers(broker: Broker): Promise<boolean> {
  const kafka = new Kafka({
    clientId: 'embedded-kafka-readiness',
    brokers: [`127.0.0.1:${broker.port}`],
    connectionTimeout: 1_000,
    requestTimeout: 3_000,
    retry: { retries: 0 },
    // kafkajs logs every refused connection as an error, and these are expected.
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.listTopics();
    return (await admin.describeCluster()).brokers.length === 1;
  } catch {
    return false;
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/** 16 bytes as Kafka writes them. The first bit is 0, for an id that begins with a dash is read as an option. */
export function newClusterId(bytes = randomBytes(16)): string {
  return Buffer.from([bytes[0]! & 0x7f, ...bytes.subarray(1)]).toString('base64url');
}
