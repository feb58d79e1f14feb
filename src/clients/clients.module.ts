import { Module, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { Registry } from 'prom-client';
import { EventStore, StreamHistories } from '../event-store';
import { askedGauge, Database, LOGGER, type Logger, loopCheck, Readiness, WakeUp } from '../platform';
import { ClientHistory } from './client-history';
import * as handlers from './client.handlers';
import { ClientOrderBook } from './client-order-book';
import { SuspendedClientStore } from './suspended-client.store';
import { SuspendedClients } from './suspended-clients';

/** Which clients are suspended, in every process that asks, and the orders that suspend and resume them. */
@Module({
  imports: [CqrsModule],
  providers: [
    {
      provide: SuspendedClientStore,
      inject: [Database],
      useFactory: (database: Database) => new SuspendedClientStore(database),
    },
    {
      provide: SuspendedClients,
      inject: [SuspendedClientStore, WakeUp, LOGGER],
      useFactory: (store: SuspendedClientStore, wakeUp: WakeUp, log: Logger) =>
        new SuspendedClients(store, wakeUp.signal('suspended-clients'), log),
    },
    {
      provide: ClientOrderBook,
      inject: [EventStore, SuspendedClientStore, SuspendedClients],
      useFactory: (eventStore: EventStore, store: SuspendedClientStore, suspended: SuspendedClients) =>
        new ClientOrderBook(eventStore, store, suspended),
    },
    {
      provide: ClientHistory,
      inject: [StreamHistories],
      useFactory: (histories: StreamHistories) => new ClientHistory(histories),
    },
    ...Object.values(handlers),
  ],
  exports: [ClientHistory, SuspendedClients, CqrsModule],
})
export class ClientsModule implements OnModuleInit, OnModuleDestroy {
  constructor(
    private readonly suspended: SuspendedClients,
    readiness: Readiness,
    registry: Registry,
  ) {
    readiness.add('suspended_clients', () => loopCheck(suspended.state()));
    askedGauge({
      registry,
      name: 'medmij_client_suspended',
      help: '1 for each client that is suspended as a whole, by the reason',
      labelNames: ['client_id', 'reason'],
      ask: () =>
        Promise.resolve(suspended.all().map(({ client_id, reason }) => ({ labels: { client_id, reason }, value: 1 }))),
    });
  }

  async onModuleInit(): Promise<void> {
    await this.suspended.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.suspended.stop();
  }
}
