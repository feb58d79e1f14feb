import { type DynamicModule, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from './clock';
import { Database } from './database';
import { Registry } from 'prom-client';
import { LOGGER, type Logger } from './logger';
import { loopCheck, Readiness } from './readiness';
import { Tracing, TRACING } from './tracing';
import { WakeUp } from './wake-up';

/** Closes the connections to the database, and what is still to be said of traces, after everything that uses them has stopped. */
class ConnectionsLifetime implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly database: Database,
    private readonly wakeUp: WakeUp,
    private readonly tracing: Tracing,
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
    await this.tracing.close();
  }
}

/** What a process is given before there is an application. */
export interface PlatformParts {
  clock: Clock;
  log: Logger;
  database: Database;
  registry?: Registry;
  tracing?: Tracing;
}

/** Clock, log, database, signals between processes, metrics and readiness, for every room. */
@Module({})
export class PlatformModule {
  static with({ registry = new Registry(), tracing = Tracing.off, ...parts }: PlatformParts): DynamicModule {
    return {
      module: PlatformModule,
      global: true,
      providers: [
        { provide: Clock, useValue: parts.clock },
        { provide: LOGGER, useValue: parts.log },
        { provide: Database, useValue: parts.database },
        { provide: Registry, useValue: registry },
        { provide: TRACING, useValue: tracing },
        { provide: Readiness, useFactory: () => new Readiness() },
        { provide: WakeUp, useFactory: () => new WakeUp(parts.database.url, parts.log) },
        {
          provide: ConnectionsLifetime,
          inject: [Database, WakeUp, Readiness],
          useFactory: (database: Database, wakeUp: WakeUp, readiness: Readiness) =>
            new ConnectionsLifetime(database, wakeUp, tracing, readiness),
        },
      ],
      exports: [Clock, LOGGER, Database, WakeUp, Registry, Readiness, TRACING],
    };
  }
}
