import { type DynamicModule, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from './clock';
import { Database } from './database';
import { Registry } from 'prom-client';
import { LOGGER, type Logger } from './logger';
import { Readiness } from './readiness';

/** Closes the database after everything that uses it has stopped. */
class DatabaseLifetime implements OnApplicationShutdown {
  constructor(private readonly database: Database) {}

  async onApplicationShutdown(): Promise<void> {
    await this.database.close();
  }
}

/** Clock, log, database, metrics and readiness, for every room. */
@Module({})
export class PlatformModule {
  static with(parts: { clock: Clock; log: Logger; database: Database }): DynamicModule {
    return {
      module: PlatformModule,
      global: true,
      providers: [
        { provide: Clock, useValue: parts.clock },
        { provide: LOGGER, useValue: parts.log },
        { provide: Database, useValue: parts.database },
        { provide: Registry, useFactory: () => new Registry() },
        { provide: Readiness, useFactory: () => new Readiness() },
        { provide: DatabaseLifetime, useFactory: () => new DatabaseLifetime(parts.database) },
      ],
      exports: [Clock, LOGGER, Database, Registry, Readiness],
    };
  }
}
