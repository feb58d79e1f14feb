import 'reflect-metadata';
import { join } from 'node:path';
import { buildApp } from './app';
import { type Config, ConfigError, readConfig } from './config';
import { createLogger, describeError, type Logger } from './platform';

/** A shutdown that takes longer than this is ended by force: more than a call to a client and the recording of its outcome. */
const shutdownMaxMs = 20_000;

async function main(): Promise<void> {
  const config = readConfig(process.env, join(__dirname, '..'));
  const log = createLogger(config.logLevel);
  try {
    await run(config, log);
  } catch (error) {
    log.fatal({ error: describeError(error) }, 'service.failed_to_start');
    process.exitCode = 1;
  }
}

async function run(config: Config, log: Logger): Promise<void> {
  const app = await buildApp(config, log);
  let stopping: Promise<void> | undefined;
  const stop = (signal: string) => {
    stopping ??= (async () => {
      log.info({ signal }, 'service.stopping');
      setTimeout(() => process.exit(1), shutdownMaxMs).unref();
      await app.close();
      log.info('service.stopped');
    })().catch((error: unknown) => {
      log.error({ error: describeError(error) }, 'service.failed_to_stop');
      process.exitCode = 1;
    });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop(signal));
  await app.listen(config.http.port, config.http.host);
  log.info({ url: config.http.publicUrl, roles: [...config.roles] }, 'service.started');
}

process.on('unhandledRejection', (error) => {
  throw error;
});

main().catch((error: Error) => {
  process.stderr.write(`${error instanceof ConfigError ? error.message : String(error.stack)}\n`);
  process.exitCode = 1;
});
