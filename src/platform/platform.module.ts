import { type DynamicModule, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from './clock';
import { Database } from './database';
import { Registry } from 'prom-client';
import { LOGGER, type Logger } from './logger';
import { loopCheck, Readiness } from './readiness';
import { WakeUp } from './wake-up';

/** Closes the connections to the database after everything that uses them has stopped. */
class ConnectionsLifetime implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly database: Database,
    private readonly wakeUp: WakeUp,
    readiness: Readiness,
  ) {
    readiness.add('wake-up', () => loopCheck(wakeUp.state()));
  }

  onApplicationBootstrap(): void {
    this.wakeUp.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.wakeUp.stop();
    await this.database.close();
  }
}

/** Clock, log, database, signals between processes, metrics and readiness, for every room. */
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
        { provide: WakeUp, useFactory: () => new WakeUp(parts.database.url, parts.log) },
        {
          provide: ConnectionsLifetime,
          inject: [Database, WakeUp, Readiness],
          useFactory: (database: Database, wakeUp: WakeUp, readiness: Readiness) =>
            new ConnectionsLifetime(database, wakeUp, readiness),
        },
      ],
      exports: [Clock, LOGGER, Database, WakeUp, Registry, Readiness],
    };
  }
}
