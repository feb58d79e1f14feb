import { type DynamicModule, Module } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ListStore } from '../medmij-lists';
import { KnownPersons, PersonIdentities, PersonsModule } from '../persons';
import { Clock, LOGGER, type Logger } from '../platform';
import { ProjectionQueriesModule, ProjectionWait, SubscriptionViewStore } from '../projections';
import { SubscriptionsModule } from '../subscriptions';
import { MySubscriptionsController } from './my-subscriptions.controller';
import { OwnSubscriptions } from './own-subscriptions';

@Module({})
export class MySubscriptionsModule {
  static with({ personKey, personKeyPrevious }: { personKey: Buffer; personKeyPrevious?: Buffer }): DynamicModule {
    return {
      module: MySubscriptionsModule,
      imports: [SubscriptionsModule, ProjectionQueriesModule, PersonsModule.with(personKey, personKeyPrevious)],
      controllers: [MySubscriptionsController],
      providers: [
        {
          provide: OwnSubscriptions,
          inject: [
            PersonIdentities,
            KnownPersons,
            SubscriptionViewStore,
            ProjectionWait,
            ListStore,
            CommandBus,
            Clock,
            LOGGER,
          ],
          useFactory: (
            identities: PersonIdentities,
            persons: KnownPersons,
            views: SubscriptionViewStore,
            projection: ProjectionWait,
            lists: ListStore,
            commandBus: CommandBus,
            clock: Clock,
            log: Logger,
          ) => new OwnSubscriptions(identities, persons, views, projection, lists, commandBus, clock, log),
        },
      ],
    };
  }
}
