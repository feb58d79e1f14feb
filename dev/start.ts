import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureCertificates } from './certificates';
import { compile, isCompiled } from './compile';
import { quiet, say, step, yellow } from './console';
import { startKafka } from './embedded/kafka';
import { startPostgres } from './embedded/postgres';
import { claimDataDirectory } from './instance';
import { printLinks } from './links';
import { Parts } from './parts';
import { requireFreePort } from './ports';
import { Problem, Stopped } from './problem';
import { endProcess } from './processes/identity';
import { runToEnd } from './processes/run-to-end';
import { findLeftBehind } from './processes/server-process';
import { projectRoot } from './project';
import { sampleClientEntry, sampleClientStopMs, startSampleClient } from './sample-client-process';
import { bringUpService, serviceEntry, serviceStopMs, type ServiceOptions } from './service';
import { serve, serveAndWatch } from './serving';
import { readSettings, tourObstacle, type Settings } from './settings';
import { stopSignal } from './stop-signal';
import { ensureSigningKey } from './tokens';
import { together } from './together';
import { giveTour } from './tour';

const flags = ['--no-tour', '--logs', '--watch'] as const;
type Flag = (typeof flags)[number];

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

  await ensureCertificates(settings.dataDir);
  await ensureSigningKey(settings.dataDir);
  const environment: NodeJS.ProcessEnv = { ...process.env, DATA_DIR: settings.dataDir };
  await together(signal, [
    async (both) => {
      if (!isCompiled()) await step('Built the service', () => compile(both));
    },
    (both) => startSampleClient(settings, runFile('sample-client'), parts, both),
    ...embeddedServers(settings, parts, environment),
  ]);
  await step('Database schema is up to date', () => migrate(environment, signal));

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

/** The servers nobody named another for; each puts into the environment where the service finds it. */
function embeddedServers(settings: Settings, parts: Parts, environment: NodeJS.ProcessEnv) {
  const { dataDir, postgresPort, kafkaPort } = settings;
  const indented = (line: string) => say(quiet(`  ${line}`));
  const postgres = async (signal: AbortSignal) => {
    const start = () => startPostgres({ dataDir, port: postgresPort, signal, say: indented });
    const server = await step('PostgreSQL', start);
    parts.add('PostgreSQL', server);
    environment.DATABASE_URL = server.url;
  };
  const kafka = async (signal: AbortSignal) => {
    const server = await step('Kafka', () => startKafka({ dataDir, port: kafkaPort, signal, say: indented }));
    parts.add('Kafka', server);
    environment.KAFKA_BROKERS = server.brokers;
  };
  return [...(environment.DATABASE_URL ? [] : [postgres]), ...(environment.KAFKA_BROKERS ? [] : [kafka])];
}

async function migrate(environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const entry = join(projectRoot, 'dist/migrate.js');
  const { code, output } = await runToEnd(process.execPath, [entry], { cwd: projectRoot, env: environment, signal });
  if (code !== 0) throw new Problem(`The database could not be migrated:\n${output.trimEnd()}`);
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

main().catch((error: unknown) => {
  console.error(error instanceof Problem ? error.message : error);
  process.exitCode = 1;
});
