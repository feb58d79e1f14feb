import { type DynamicModule, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { Registry } from 'prom-client';
import { EndpointProbe, NotificationClient } from '../client-connections';
import { ClientsModule, SuspendedClients } from '../clients';
import { CheckpointStore } from '../event-store';
import { ListStore } from '../medmij-lists';
import { DeliveriesModule, DeliveryRecords, EndpointRecords } from '../notifications';
import { Clock, Database, LOGGER, type Logger, loopCheck, Readiness } from '../platform';
import { ProjectionQueriesModule, SubscriptionViewStore } from '../projections';
import { ClientResumption } from './client-resumption';
import { EndpointWatch } from './endpoint-watch';
import type { ChangePolicy } from './endpoint-watch.decider';
import { EndpointWatchMetrics } from './endpoint-watch.metrics';
import { EndpointWatchStore } from './endpoint-watch.store';
import { FailingClients, type FailingPolicy } from './failing-clients';

const store = {
  provide: EndpointWatchStore,
  inject: [Database],
  useFactory: (database: Database) => new EndpointWatchStore(database),
};

/** Resuming a client, where operators ask for it. */
@Module({
  imports: [ClientsModule],
  providers: [
    store,
    {
      provide: ClientResumption,
      inject: [EndpointProbe, EndpointWatchStore, ListStore, CommandBus],
      useFactory: (probe: EndpointProbe, endpoints: EndpointWatchStore, lists: ListStore, commandBus: CommandBus) =>
        new ClientResumption(probe, endpoints, lists, commandBus),
    },
  ],
  exports: [ClientResumption],
})
export class ClientResumptionModule {}

export interface EndpointWatchOptions {
  endpointChangePolicy: ChangePolicy;
  endpointFailing: FailingPolicy;
}

/** The watch itself, in processes with the role. */
@Module({})
export class EndpointWatchModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly watch: EndpointWatch,
    private readonly failing: FailingClients,
    readiness: Readiness,
  ) {
    readiness.add('endpoint_watch', () => {
      const { heldBackBy, ...state } = watch.state();
      return heldBackBy === undefined
        ? loopCheck(state)
        : { status: 'degraded', reason: `no endpoint is looked at: ${heldBackBy}` };
    });
    readiness.add('failing_clients', () => loopCheck(failing.state()));
  }

  static with({ endpointChangePolicy: policy, endpointFailing }: EndpointWatchOptions): DynamicModule {
    return {
      module: EndpointWatchModule,
      imports: [ClientsModule, DeliveriesModule, ProjectionQueriesModule],
      providers: [
        store,
        {
          provide: EndpointWatchMetrics,
          inject: [Registry],
          useFactory: (registry: Registry) => new EndpointWatchMetrics(registry),
        },
        {
          provide: EndpointWatch,
          inject: [
            CheckpointStore,
            EndpointWatchStore,
            EndpointProbe,
            NotificationClient,
            ListStore,
            SuspendedClients,
            SubscriptionViewStore,
            DeliveryRecords,
            CommandBus,
            EndpointWatchMetrics,
            Clock,
            LOGGER,
          ],
          useFactory: (
            checkpoints: CheckpointStore,
            endpoints: EndpointWatchStore,
            probe: EndpointProbe,
            client: NotificationClient,
            lists: ListStore,
            suspended: SuspendedClients,
            subscriptions: SubscriptionViewStore,
            deliveries: DeliveryRecords,
            commandBus: CommandBus,
            metrics: EndpointWatchMetrics,
            clock: Clock,
            log: Logger,
          ) =>
            new EndpointWatch({
              checkpoints,
              store: endpoints,
              probe,
              client,
              lists,
              suspended,
              subscriptions,
              deliveries,
              commandBus,
              metrics,
              clock,
              log,
              policy,
            }),
        },
        {
          provide: FailingClients,
          inject: [EndpointRecords, CommandBus, Clock, LOGGER],
          useFactory: (endpoints: EndpointRecords, commandBus: CommandBus, clock: Clock, log: Logger) =>
            new FailingClients({ endpoints, commandBus, clock, log, policy: endpointFailing }),
        },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.watch.start();
    this.failing.start();
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all([this.watch.stop(), this.failing.stop()]);
  }
}
