import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { serveOpenApi } from './api-docs';
import { AppModule } from './app.module';
import type { Config } from './config';
import { createHttpEdge } from './http';
import { type Clock, Database, type Logger, systemClock } from './platform';

/** The database did not get this schema yet. */
export class MigrationsPending extends Error {
  constructor() {
    super('Migrations are pending: run `npm run migrate` first.');
    this.name = 'MigrationsPending';
  }
}

/**
 * The whole service by its configuration, ready to listen.
 * @throws MigrationsPending, or the database's error when it cannot be reached
 */
export async function buildApp(
  config: Config,
  log: Logger,
  clock: Clock = systemClock(config.clockOffsetS),
): Promise<NestFastifyApplication> {
  const database = await Database.connect(config.databaseUrl);
  try {
    if (await database.pendingMigrations()) throw new MigrationsPending();
    const { adapter, filter } = createHttpEdge(config.http.publicUrl, log);
    const app = await NestFactory.create<NestFastifyApplication>(
      AppModule.with(config, { clock, log, database }),
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
