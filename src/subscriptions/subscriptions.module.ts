import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { Registry } from 'prom-client';
import { ClientsModule, SuspendedClients } from '../clients';
import { EventStore } from '../event-store';
import { LOGGER, type Logger, type Tracing, TRACING } from '../platform';
import { CommandBatcher } from './command-batcher';
import { CommandWatch } from './command.watch';
import * as handlers from './subscription.handlers';

@Module({
  imports: [CqrsModule, ClientsModule],
  providers: [
    {
      provide: CommandBatcher,
      inject: [EventStore, SuspendedClients, Registry, LOGGER, TRACING],
      useFactory: (
        eventStore: EventStore,
        clients: SuspendedClients,
        registry: Registry,
        log: Logger,
        tracing: Tracing,
      ) => {
        const watch = new CommandWatch(registry, log, tracing);
        const batcher = new CommandBatcher(eventStore, clients, watch);
        watch.showWaiting(registry, () => batcher.state().waiting);
        return batcher;
      },
    },
    ...Object.values(handlers),
  ],
  exports: [CqrsModule],
})
export class SubscriptionsModule {}
