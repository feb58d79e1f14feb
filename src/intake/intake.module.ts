import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { parse } from '../http';
import { IncomingRecords, type RecordConsumer } from '../incoming-records';
import { ListStore } from '../medmij-lists';
import { PersonIdentities, PersonsModule, RequestFingerprint } from '../persons';
import { Clock, Readiness } from '../platform';
import { SubscriptionsModule } from '../subscriptions';
import { topics } from '../transport';
import { AuthorizationIntake, type IntakeRules } from './authorization-intake';
import { AuthorizationsController } from './authorizations.controller';
import { authorizedRequest } from './authorized-request';

const CONSUMER = Symbol('CONSUMER');

export interface IntakeOptions extends IntakeRules {
  personKey: Buffer;
  personKeyPrevious?: Buffer;
}

/** Both doors for authorized requests. */
@Module({})
export class IntakeModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(CONSUMER) private readonly consumer: RecordConsumer,
    readiness: Readiness,
  ) {
    readiness.add('intake', () => consumer.check());
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
          provide: CONSUMER,
          inject: [IncomingRecords, AuthorizationIntake],
          useFactory: (records: IncomingRecords, intake: AuthorizationIntake) =>
            records.consumer({
              group: 'medmij-subscriptions.authorizations',
              topic: topics.authorizations.name,
              type: 'nl.medmij.authorization.granted.v1',
              accept: (data, trace) => intake.accept(parse(authorizedRequest, data), trace),
            }),
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
