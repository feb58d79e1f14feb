import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Registry } from 'prom-client';
import { PersonalSeal, PersonsModule } from '../persons';
import { Clock, Database, LOGGER, type Logger, loopCheck, Readiness } from '../platform';
import { type EventTransport, TRANSPORT } from '../transport';
import { DeadLetterStore } from './dead-letter.store';
import { DeadLetters } from './dead-letters';
import { IncomingRecords } from './incoming-records';

/** The dead letters, and what every consumer of incoming records is made of. */
@Module({})
export class IncomingRecordsModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(DeadLetters) private readonly deadLetters: DeadLetters,
    readiness: Readiness,
  ) {
    readiness.add('dead_letters', () => loopCheck(deadLetters.state()));
  }

  static with(keys: { personKey: Buffer; personKeyPrevious?: Buffer }): DynamicModule {
    return {
      module: IncomingRecordsModule,
      imports: [PersonsModule.with(keys.personKey, keys.personKeyPrevious)],
      global: true,
      providers: [
        {
          provide: DeadLetters,
          inject: [TRANSPORT, Database, PersonalSeal, Clock, LOGGER],
          useFactory: (transport: EventTransport, database: Database, seal: PersonalSeal, clock: Clock, log: Logger) =>
            new DeadLetters(transport, new DeadLetterStore(database), seal, clock, log),
        },
        {
          provide: IncomingRecords,
          inject: [TRANSPORT, Database, DeadLetters, Registry, LOGGER],
          useFactory: (
            transport: EventTransport,
            database: Database,
            deadLetters: DeadLetters,
            registry: Registry,
            log: Logger,
          ) => new IncomingRecords(transport, database, deadLetters, registry, log),
        },
      ],
      exports: [DeadLetters, IncomingRecords],
    };
  }

  onApplicationBootstrap(): void {
    this.deadLetters.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.deadLetters.stop();
  }
}
