import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { Registry } from 'prom-client';
import { ListStore } from '../medmij-lists';
import { PersonIdentities, PersonsModule, RequestFingerprint } from '../persons';
import { Clock, LOGGER, type Logger, loopCheck, Readiness } from '../platform';
import { SubscriptionsModule } from '../subscriptions';
import { type EventTransport, TRANSPORT } from '../transport';
import { AuthorizationIntake, type IntakeRules } from './authorization-intake';
import { AuthorizationsConsumer } from './authorizations.consumer';
import { AuthorizationsController } from './authorizations.controller';

export interface IntakeOptions extends IntakeRules {
  personKey: Buffer;
  personKeyPrevious?: Buffer;
}

/** Both doors for authorized requests. */
@Module({})
export class IntakeModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(AuthorizationsConsumer) private readonly consumer: AuthorizationsConsumer,
    readiness: Readiness,
  ) {
    readiness.add('intake', () => {
      const { connected, ...state } = consumer.state();
      return loopCheck({ running: connected || state.failingSince !== undefined, ...state });
    });
  }

  static with({ personKey, personKeyPrevious, ...rules }: IntakeOptions): DynamicModule {
    return {
      module: IntakeModule,
      imports: [SubscriptionsModule, PersonsModule.with(personKey, personKeyPrevious)],
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
          inject: [TRANSPORT, AuthorizationIntake, Registry, LOGGER],
          useFactory: (transport: EventTransport, intake: AuthorizationIntake, registry: Registry, log: Logger) =>
            new AuthorizationsConsumer(transport, intake, registry, log),
        },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.consumer.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.consumer.stop();
  }
}
