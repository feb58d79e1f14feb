import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Registry } from 'prom-client';
import { serveOpenApi } from './api-docs';
import { AppModule } from './app.module';
import { type Config, logName } from './config';
import { answerInPage } from './error-pages';
import { LogReader } from './event-store';
import { createHttpEdge, RequestWatch } from './http';
import { type Clock, Database, type Logger, systemClock, Tracing, tracingTo } from './platform';

/** The database did not get this schema yet. */
export class MigrationsPending extends Error {
  constructor() {
    super('Migrations are pending: run `npm run migrate` first.');
    this.name = 'MigrationsPending';
  }
}

/** The log cannot be continued in order on this cluster (docs/adr/0002). */
export class LogAheadOfCluster extends Error {
  constructor() {
    super(
      'The last event was written under a higher transaction id than this cluster has reached: the database was restored into ' +
        'another cluster, and the epoch of the log must be raised before anything is appended: stop every process of the service, ' +
        'run `node dist/ops-cli.js raise-epoch` once, and start again (docs/operations.md).',
    );
    this.name = 'LogAheadOfCluster';
  }
}

/**
 * The whole service by its configuration, ready to listen.
 * @throws MigrationsPending, LogAheadOfCluster, or the database's error when it cannot be reached
 */
export async function buildApp(
  config: Config,
  log: Logger,
  clock: Clock = systemClock(config.clockOffsetS),
): Promise<NestFastifyApplication> {
  const database = await Database.connect(config.databaseUrl);
  try {
    if (await database.pendingMigrations()) throw new MigrationsPending();
    if (await new LogReader(database, logName).isAheadOfCluster()) throw new LogAheadOfCluster();
    const registry = new Registry();
    const tracing = config.traceExport ? await tracingTo(config.traceExport) : Tracing.off;
    const watch = new RequestWatch(log, registry, tracing);
    const { adapter, filter } = createHttpEdge(config.http.publicUrl, log, answerInPage, watch);
    const app = await NestFactory.create<NestFastifyApplication>(
      AppModule.with(config, { clock, log, database, registry, tracing }),
      adapter,
      {
        // Nest's own lines say what its modules do, not what the service does; its errors surface as exceptions.
        logger: false,
        abortOnError: false,
        bodyParser: false,
      },
    );
    app.useGlobalFilters(filter);
    serveOpenApi(app, config.http.publicUrl);
    return app;
  } catch (error) {
    await database.close();
    throw error;
  }
}
