import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { Gauge, Registry } from 'prom-client';
import { ClientsModule, SuspendedClients } from '../clients';
import { EventStore } from '../event-store';
import { CommandBatcher } from './command-batcher';
import * as handlers from './subscription.handlers';

@Module({
  imports: [CqrsModule, ClientsModule],
  providers: [
    {
      provide: CommandBatcher,
      inject: [EventStore, SuspendedClients],
      useFactory: (eventStore: EventStore, clients: SuspendedClients) => new CommandBatcher(eventStore, clients),
    },
    ...Object.values(handlers),
  ],
  exports: [CqrsModule],
})
export class SubscriptionsModule {
  constructor(registry: Registry, batcher: CommandBatcher) {
    new Gauge({
      name: 'medmij_commands_waiting',
      help: 'Commands that wait to be appended',
      registers: [registry],
      collect() {
        this.set(batcher.state().waiting);
      },
    });
  }
}
