import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { Registry } from 'prom-client';
import { ListStore } from '../medmij-lists';
import { PersonalSeal, PersonIdentities, PersonsModule, RequestFingerprint } from '../persons';
import { Clock, Database, LOGGER, type Logger, loopCheck, Readiness } from '../platform';
import { SubscriptionsModule } from '../subscriptions';
import { type EventTransport, topics, TRANSPORT } from '../transport';
import { AuthorizationIntake, type IntakeRules } from './authorization-intake';
import { AuthorizationsConsumer, authorizationsGroup } from './authorizations.consumer';
import { AuthorizationsController } from './authorizations.controller';
import { ConsumerOffsetStore } from './consumer-offset.store';
import { DeadLetterStore } from './dead-letter.store';
import { DeadLetters } from './dead-letters';

export interface IntakeOptions extends IntakeRules {
  personKey: Buffer;
  personKeyPrevious?: Buffer;
}

/** Both doors for authorized requests. */
@Module({})
export class IntakeModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(AuthorizationsConsumer) private readonly consumer: AuthorizationsConsumer,
    @Inject(DeadLetters) private readonly deadLetters: DeadLetters,
    readiness: Readiness,
  ) {
    readiness.add('dead_letters', () => loopCheck(deadLetters.state()));
    readiness.add('intake', () => {
      const { connected, ...state } = consumer.state();
      return loopCheck({ running: connected || state.failingSince !== undefined, ...state });
    });
  }

  static with({ personKey, personKeyPrevious, ...rules }: IntakeOptions): DynamicModule {
    return {
      module: IntakeModule,
      imports: [SubscriptionsModule, PersonsModule.with(personKey, personKeyPrevious)],
      global: true,
      controllers: [AuthorizationsController],
      providers: [
        {
          provide: AuthorizationIntake,
          inject: [ListStore, PersonIdentities, RequestFingerprint, CommandBus, QueryBus, Clock],
          useFactory: (
            lists: ListStore,
            identities: PersonIdentities,
            fingerprints: RequestFingerprint,
            commandBus: CommandBus,
            queryBus: QueryBus,
            clock: Clock,
          ) => new AuthorizationIntake(lists, identities, fingerprints, commandBus, queryBus, clock, rules),
        },
        {
          provide: AuthorizationsConsumer,
          inject: [TRANSPORT, AuthorizationIntake, Database, DeadLetters, Registry, LOGGER],
          useFactory: (
            transport: EventTransport,
            intake: AuthorizationIntake,
            database: Database,
            deadLetters: DeadLetters,
            registry: Registry,
            log: Logger,
          ) => {
            const offsets = new ConsumerOffsetStore(database, authorizationsGroup, topics.authorizations.name);
            return new AuthorizationsConsumer(transport, intake, offsets, deadLetters, registry, log);
          },
        },
        {
          provide: DeadLetters,
          inject: [TRANSPORT, Database, PersonalSeal, Clock, LOGGER],
          useFactory: (transport: EventTransport, database: Database, seal: PersonalSeal, clock: Clock, log: Logger) =>
            new DeadLetters(transport, new DeadLetterStore(database), seal, clock, log),
        },
      ],
      exports: [DeadLetters],
    };
  }

  onApplicationBootstrap(): void {
    this.consumer.start();
    this.deadLetters.start();
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all([this.consumer.stop(), this.deadLetters.stop()]);
  }
}
