import 'reflect-metadata';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { buildApp } from './app';
import { type Config, ConfigError, readConfig } from './config';
import { createLogger, describeError, type Logger } from './platform';

/** A shutdown that takes longer than this is ended by force: more than a call to a client and the recording of its outcome. */
const shutdownMaxMs = 20_000;
/**
 * How far the heap may grow over what was alive at the last full collection. Left to itself V8 lets it grow to four times as much
 * where there is much memory: 400 MiB for a process with every role and a long queue, instead of 250, for the same work (bench backlog).
 */
const heapGrowthPercent = 50;

async function main(): Promise<void> {
  setFlagsFromString(`--heap-growing-percent=${heapGrowthPercent}`);
  const config = readConfig(process.env, join(__dirname, '..'));
  const log = createLogger(config.logLevel);
  const starting = start(config, log);
  stopOnSignal(starting, log);
  try {
    await starting;
  } catch (error) {
    log.fatal({ error: describeError(error) }, 'service.failed_to_start');
    process.exitCode = 1;
  }
}

async function start(config: Config, log: Logger): Promise<NestFastifyApplication> {
  const app = await buildApp(config, log);
  try {
    await app.listen(config.http.port, config.http.host);
  } catch (error) {
    await app.close();
    throw error;
  }
  log.info({ url: config.http.publicUrl, roles: [...config.roles] }, 'service.started');
  return app;
}

/** A signal that comes during the start waits for its end: half a service cannot be stopped cleanly. */
function stopOnSignal(starting: Promise<NestFastifyApplication>, log: Logger): void {
  let isStopping = false;
  const stop = async (signal: string) => {
    if (isStopping) return;
    isStopping = true;
    log.info({ signal }, 'service.stopping');
    setTimeout(() => process.exit(1), shutdownMaxMs).unref();
    const app = await starting.catch(() => undefined);
    await app?.close();
    log.info('service.stopped');
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      stop(signal).catch((error: unknown) => {
        log.error({ error: describeError(error) }, 'service.failed_to_stop');
        process.exitCode = 1;
      });
    });
  }
}

process.on('unhandledRejection', (error) => {
  throw error;
});

main().catch((error: Error) => {
  process.stderr.write(`${error instanceof ConfigError ? error.message : String(error.stack)}\n`);
  process.exitCode = 1;
});
