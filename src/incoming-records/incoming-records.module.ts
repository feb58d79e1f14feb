import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Registry } from 'prom-client';
import { AuditModule, AuditTrail } from '../audit';
import { PersonalSeal, PersonsModule } from '../persons';
import {
  Clock,
  Database,
  forgettingLoop,
  LOGGER,
  type Logger,
  loopCheck,
  Readiness,
  type Tracing,
  TRACING,
  type WorkLoop,
} from '../platform';
import { type EventTransport, topics, TRANSPORT } from '../transport';
import { DeadLetterStore } from './dead-letter.store';
import { DeadLetters } from './dead-letters';
import { IncomingRecords } from './incoming-records';

const SWEEPER = Symbol('SWEEPER');

const sweepEveryMs = 10 * 60 * 1_000;

/** The dead letters, and what every consumer of incoming records is made of. */
@Module({})
export class IncomingRecordsModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(SWEEPER) private readonly sweeper: WorkLoop,
    readiness: Readiness,
  ) {
    readiness.add('dead_letters', () => loopCheck(sweeper.state()));
  }

  static with(keys: { personKey: Buffer; personKeyPrevious?: Buffer }): DynamicModule {
    return {
      module: IncomingRecordsModule,
      imports: [AuditModule, PersonsModule.with(keys.personKey, keys.personKeyPrevious)],
      global: true,
      providers: [
        {
          provide: DeadLetterStore,
          inject: [Database],
          useFactory: (database: Database) => new DeadLetterStore(database),
        },
        {
          provide: DeadLetters,
          inject: [TRANSPORT, DeadLetterStore, PersonalSeal, Clock],
          useFactory: (transport: EventTransport, store: DeadLetterStore, seal: PersonalSeal, clock: Clock) =>
            new DeadLetters(transport, store, seal, clock),
        },
        {
          provide: SWEEPER,
          inject: [DeadLetterStore, Clock, LOGGER],
          useFactory: (store: DeadLetterStore, clock: Clock, log: Logger) =>
            forgettingLoop({
              name: 'dead-letters',
              forget: (before, limit) => store.forget(before, limit),
              keptMs: topics.deadLetters.retentionMs,
              everyMs: sweepEveryMs,
              clock,
              log,
            }),
        },
        {
          provide: IncomingRecords,
          inject: [TRANSPORT, Database, DeadLetters, AuditTrail, Registry, Clock, LOGGER, TRACING],
          useFactory: (
            transport: EventTransport,
            database: Database,
            deadLetters: DeadLetters,
            trail: AuditTrail,
            registry: Registry,
            clock: Clock,
            log: Logger,
            tracing: Tracing,
          ) => new IncomingRecords(database, registry, { transport, deadLetters, trail, clock, log, tracing }),
        },
      ],
      exports: [DeadLetters, IncomingRecords],
    };
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.sweeper.stop();
  }
}
