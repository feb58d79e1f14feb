import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ensureCertificates } from './certificates';
import { compile, isCompiled } from './compile';
import { bold, cyan, quiet, say, step, yellow } from './console';
import { startKafka, type KafkaServer } from './embedded/kafka';
import { startPostgres, type PostgresServer } from './embedded/postgres';
import { claimDataDirectory } from './instance';
import { Parts, type Part, type PartName } from './parts';
import { requireFreePort } from './ports';
import { Problem, Stopped } from './problem';
import { endProcess } from './processes/identity';
import { runToEnd } from './processes/run-to-end';
import { findLeftBehind, startServerProcess, type ServerProcess } from './processes/server-process';
import { projectRoot } from './project';
import { logTail, serviceEntry, startService, whenReady, type ServiceOptions } from './service';
import { readSettings, tourObstacle, type Settings } from './settings';
import { SourceChanges } from './source-changes';
import { stopSignal } from './stop-signal';
import { ensureSigningKey } from './tokens';
import { giveTour } from './tour';

const flags = ['--no-tour', '--logs', '--watch'] as const;
type Flag = (typeof flags)[number];

const sampleClientEntry = join(projectRoot, 'dev/sample-client/main.ts');
const serviceStopMs = 40_000;
const sampleClientStopMs = 5_000;

async function main(): Promise<void> {
  const given = readFlags(process.argv.slice(2));
  if (process.env.NODE_ENV === 'production') {
    throw new Problem('npm start is for development; in production, run npm run migrate and node dist/main.js.');
  }
  const settings = readSettings();
  const signal = stopSignal();
  mkdirSync(settings.dataDir, { recursive: true });
  const release = claimDataDirectory(settings.dataDir);
  const parts = new Parts();
  try {
    await run(given, settings, parts, signal);
  } catch (error) {
    if (!signal.aborted) {
      console.error(error instanceof Problem ? `\n${error.message}` : error);
      process.exitCode = 1;
    }
  } finally {
    await parts.stopAll();
    release();
    // Whatever still holds the event loop is not worth waiting for.
    setTimeout(() => process.exit(), 1_000).unref();
  }
}

function readFlags(args: readonly string[]): ReadonlySet<Flag> {
  const unknown = args.filter((arg) => !(flags as readonly string[]).includes(arg));
  if (unknown.length > 0)
    throw new Problem(`${unknown.join(' ')} means nothing here; npm start -- knows ${flags.join(', ')}.`);
  return new Set(args as Flag[]);
}

async function run(given: ReadonlySet<Flag>, settings: Settings, parts: Parts, signal: AbortSignal): Promise<void> {
  const runFile = (name: string) => join(settings.dataDir, 'run', `${name}.json`);
  await endLeftBehind(runFile('service'), serviceEntry, 'service', serviceStopMs);
  await endLeftBehind(runFile('sample-client'), sampleClientEntry, 'sample client', sampleClientStopMs);
  await requireFreePort(settings.port, 'PORT', 'the service');
  await requireFreePort(settings.sampleClientPort, 'SAMPLE_CLIENT_PORT', "the sample client's page");
  await requireFreePort(
    settings.sampleClientTlsPort,
    'SAMPLE_CLIENT_TLS_PORT',
    "the sample client's notification endpoints",
  );

  if (!isCompiled()) await step('Built the service', () => compile(signal));
  await ensureCertificates(settings.dataDir);
  await ensureSigningKey(settings.dataDir);
  const environment = { ...process.env, ...(await startServers(settings, parts, signal)), DATA_DIR: settings.dataDir };
  await step('Database schema is up to date', () => migrate(environment, signal));
  await step('Sample client', async () =>
    parts.add('sample client', await startSampleClient(settings, runFile, signal)),
  );

  const service: ServiceOptions = {
    settings,
    environment,
    recordFile: runFile('service'),
    logFile: given.has('--logs') ? undefined : join(settings.dataDir, 'logs/service.log'),
  };
  const state = await step('Service', () => bringUpService(service, parts, signal));
  if (state === 'degraded') say(yellow(`The service is degraded; ${settings.serviceUrl}/health/ready says why.`));
  if (service.logFile) say(quiet(`  its log: ${service.logFile}`));

  await tour(given, state, settings, environment, signal);
  await printLinks(settings, environment);
  if (given.has('--watch')) await serveAndWatch(service, parts, signal);
  else await serve(parts, signal);
}

async function endLeftBehind(recordFile: string, entry: string, name: string, patienceMs: number): Promise<void> {
  const left = findLeftBehind(recordFile, entry);
  if (!left) return;
  say(`The ${name} of an earlier run (process ${left.pid}) is ended.`);
  await endProcess(left, 'SIGTERM', patienceMs);
}

/** Both at once, as far as they are embedded; gives where they are found. */
async function startServers(settings: Settings, parts: Parts, signal: AbortSignal): Promise<NodeJS.ProcessEnv> {
  const { dataDir, postgresPort, kafkaPort } = settings;
  const indented = (line: string) => say(quiet(`  ${line}`));
  // When one of them fails the other is stopped half-way too: nobody wants to wait for it.
  const failing = new AbortController();
  const both = AbortSignal.any([signal, failing.signal]);
  const begin = async <T extends PostgresServer | KafkaServer>(name: PartName, start: () => Promise<T>): Promise<T> => {
    try {
      const server = await step(name, start);
      parts.add(name, server);
      return server;
    } catch (error) {
      failing.abort();
      throw error;
    }
  };
  const starts = await Promise.allSettled([
    process.env.DATABASE_URL ||
      begin('PostgreSQL', () => startPostgres({ dataDir, port: postgresPort, signal: both, say: indented })).then(
        ({ url }) => url,
      ),
    process.env.KAFKA_BROKERS ||
      begin('Kafka', () => startKafka({ dataDir, port: kafkaPort, signal: both, say: indented })).then(
        ({ brokers }) => brokers,
      ),
  ]);
  const failures = starts.flatMap((start) => (start.status === 'rejected' ? [start.reason as unknown] : []));
  // The one that was stopped because of the other says nothing.
  if (failures.length > 0) throw failures.find((failure) => !(failure instanceof Stopped)) ?? failures[0];
  const [databaseUrl, brokers] = starts.map((start) => (start.status === 'fulfilled' ? start.value : undefined));
  return { DATABASE_URL: databaseUrl, KAFKA_BROKERS: brokers };
}

async function migrate(environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const entry = join(projectRoot, 'dist/migrate.js');
  const { code, output } = await runToEnd(process.execPath, [entry], { cwd: projectRoot, env: environment, signal });
  if (code !== 0) throw new Problem(`The database could not be migrated:\n${output.trimEnd()}`);
}

async function startSampleClient(
  settings: Settings,
  runFile: (name: string) => string,
  signal: AbortSignal,
): Promise<Part> {
  const logFile = join(settings.dataDir, 'logs/sample-client.log');
  const client = await startServerProcess({
    command: process.execPath,
    args: ['--import', 'tsx', sampleClientEntry],
    cwd: projectRoot,
    env: { ...process.env, DATA_DIR: settings.dataDir },
    logFile,
    recordFile: runFile('sample-client'),
  });
  const part: Part = { exited: client.exited, logFile, stop: () => client.stop('SIGTERM', sampleClientStopMs) };
  for (;;) {
    if (!client.isRunning()) throw new Problem(`The sample client ended while starting.${logTail(logFile)}`);
    if (signal.aborted) {
      await part.stop();
      throw new Stopped();
    }
    if (await answers(`http://127.0.0.1:${settings.sampleClientPort}/notifications`)) return part;
    await pause(100);
  }
}

const answers = (url: string) =>
  fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  );

async function bringUpService(options: ServiceOptions, parts: Parts, signal: AbortSignal): Promise<'ok' | 'degraded'> {
  const service: ServerProcess = await startService(options);
  // Before it is ready, so that it is stopped also when it never gets there.
  parts.add('service', {
    exited: service.exited,
    logFile: options.logFile,
    stop: () => service.stop('SIGTERM', serviceStopMs),
  });
  return whenReady(service, options, signal);
}

async function tour(
  given: ReadonlySet<Flag>,
  state: 'ok' | 'degraded',
  settings: Settings,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<void> {
  if (given.has('--no-tour')) return;
  const obstacle = state === 'degraded' ? 'the service is degraded' : tourObstacle(process.env);
  if (obstacle) return say(`\nThe tour is skipped: ${obstacle}.`);
  try {
    await giveTour(settings, environment.KAFKA_BROKERS!.split(','), signal);
  } catch (error) {
    if (signal.aborted) throw new Stopped();
    // What runs stays up: this is the moment to look at it.
    say(yellow(`\nThe tour was broken off: ${error instanceof Problem ? error.message : String(error)}`));
  }
}

async function printLinks({ serviceUrl, publicUrl, sampleClientPort }: Settings, environment: NodeJS.ProcessEnv) {
  const link = (name: string, target: string) => say(`  ${name.padEnd(20)} ${cyan(target)}`);
  say(`\n${bold('medmij-subscriptions is running')}`);
  for (const [name, path] of pages) {
    // With ROLES some doors stay closed, and a link to nothing helps nobody.
    if (await exists(`${serviceUrl}${path}`)) link(name, `${publicUrl}${path}`);
  }
  link('Sample client', `http://localhost:${sampleClientPort}/`);
  link('Kafka', environment.KAFKA_BROKERS!);
  link('A token', 'npm run --silent token -- authorizations:write');
  say(quiet('  Ctrl-C stops everything.'));
}

const pages = [
  ['Operator page', '/ops/'],
  ['My subscriptions', '/my/subscriptions'],
  ['API documentation', '/api-docs'],
  ['OpenAPI', '/api-docs-json'],
  ['AsyncAPI', '/asyncapi.json'],
  ['Readiness', '/health/ready'],
  ['Metrics', '/metrics'],
] as const;

const exists = (url: string) =>
  fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(2_000) }).then(
    ({ status }) => status !== 404,
    () => false,
  );

async function serve(parts: Parts, signal: AbortSignal): Promise<void> {
  const dead = await Promise.race([parts.firstDeath(), aborted(signal)]);
  if (dead)
    throw new Problem(`The ${dead.name} ended unexpectedly, so everything is stopped.${logTail(dead.part.logFile)}`);
}

const aborted = (signal: AbortSignal) =>
  new Promise<undefined>((done) => {
    if (signal.aborted) done(undefined);
    else signal.addEventListener('abort', () => done(undefined), { once: true });
  });

/** `npm run dev`: every change of src/ is compiled and, when it compiles, served. A service that ends waits for the next change. */
async function serveAndWatch(service: ServiceOptions, parts: Parts, signal: AbortSignal): Promise<void> {
  const changes = new SourceChanges();
  say(quiet('  Watching src/.'));
  try {
    for (;;) {
      const event = await Promise.race([
        changes.next().then(() => 'changed' as const),
        aborted(signal).then(() => 'stopped' as const),
        parts.firstDeath(),
      ]);
      if (event === 'stopped') return;
      if (event === 'changed') await replaceService(service, parts, signal);
      else if (event.name === 'service') {
        await parts.stop('service');
        say(yellow(`The service ended; it is started again at the next change.${logTail(service.logFile)}`));
      } else
        throw new Problem(
          `The ${event.name} ended unexpectedly, so everything is stopped.${logTail(event.part.logFile)}`,
        );
    }
  } finally {
    changes.close();
  }
}

async function replaceService(service: ServiceOptions, parts: Parts, signal: AbortSignal): Promise<void> {
  try {
    await step('Rebuilt', () => compile(signal));
    await parts.stop('service');
    await step('Service', () => bringUpService(service, parts, signal));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    say(yellow(error.message));
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Problem ? error.message : error);
  process.exitCode = 1;
});
