import { type DynamicModule, Module } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ClientsModule, SuspendedClients } from '../clients';
import { PersonIdentities, PersonsModule } from '../persons';
import { Clock, LOGGER, type Logger } from '../platform';
import { SubscriptionsModule } from '../subscriptions';
import { GrantedSubscriptions } from './granted-subscriptions';
import { SubscriptionController } from './subscription.controller';

@Module({})
export class SubscriptionInterfaceModule {
  static with({ personKey, personKeyPrevious }: { personKey: Buffer; personKeyPrevious?: Buffer }): DynamicModule {
    return {
      module: SubscriptionInterfaceModule,
      imports: [SubscriptionsModule, ClientsModule, PersonsModule.with(personKey, personKeyPrevious)],
      controllers: [SubscriptionController],
      providers: [
        {
          provide: GrantedSubscriptions,
          inject: [PersonIdentities, CommandBus, QueryBus, SuspendedClients, Clock, LOGGER],
          useFactory: (
            identities: PersonIdentities,
            commandBus: CommandBus,
            queryBus: QueryBus,
            suspendedClients: SuspendedClients,
            clock: Clock,
            log: Logger,
          ) => new GrantedSubscriptions(identities, commandBus, queryBus, suspendedClients, clock, log),
        },
      ],
    };
  }
}
