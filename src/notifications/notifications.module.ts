import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { Registry } from 'prom-client';
import { NotificationClient } from '../client-connections';
import { type Fact, LogAccess, type LogFollower } from '../event-store';
import { ListStore } from '../medmij-lists';
import { Clock, Database, LOGGER, type Logger, loopCheck, Readiness, type Signal, WakeUp } from '../platform';
import { SubscriptionsModule } from '../subscriptions';
import { DeliveryMetrics } from './delivery.metrics';
import { DeliveryQueue } from './delivery-queue.store';
import { DeliveryRecords } from './delivery-records.store';
import { DeliveryStore } from './delivery.store';
import { DeliveryWorker } from './delivery.worker';
import { createPlanner } from './planner.reader';

const PLANNER = Symbol('PLANNER');
/** Raised when there is something to deliver. */
export const PLANNED = Symbol('PLANNED');

/** Reading and repairing deliveries, in every process. */
@Module({
  providers: [
    { provide: DeliveryStore, useFactory: () => new DeliveryStore() },
    { provide: DeliveryRecords, inject: [Database], useFactory: (database: Database) => new DeliveryRecords(database) },
    { provide: DeliveryMetrics, inject: [Registry, DeliveryRecords, Clock], useFactory: createMetrics },
    { provide: PLANNED, inject: [WakeUp], useFactory: (wakeUp: WakeUp): Signal => wakeUp.signal('deliveries') },
  ],
  exports: [DeliveryStore, DeliveryRecords, DeliveryMetrics, PLANNED],
})
export class DeliveriesModule {}

function createMetrics(registry: Registry, records: DeliveryRecords, clock: Clock): DeliveryMetrics {
  return new DeliveryMetrics(registry, records, clock);
}

export interface NotificationOptions {
  startGraceS: number;
}

/** Planner and worker, in processes with the role. */
@Module({})
export class NotificationsModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(PLANNER) private readonly planner: LogFollower<Fact>,
    private readonly worker: DeliveryWorker,
    readiness: Readiness,
  ) {
    readiness.add('planner', () => planner.check());
    readiness.add('delivery', () => {
      const { heldBackBy, ...state } = worker.state();
      return heldBackBy === undefined
        ? loopCheck(state)
        : { status: 'degraded', reason: `nothing is sent: ${heldBackBy}` };
    });
  }

  static with({ startGraceS }: NotificationOptions): DynamicModule {
    return {
      module: NotificationsModule,
      imports: [DeliveriesModule, SubscriptionsModule],
      providers: [
        { provide: PLANNER, inject: [LogAccess, DeliveryStore, Clock, PLANNED], useFactory: createPlanner },
        {
          provide: DeliveryWorker,
          inject: [
            Database,
            DeliveryStore,
            NotificationClient,
            ListStore,
            CommandBus,
            Clock,
            PLANNED,
            DeliveryMetrics,
            LOGGER,
          ],
          useFactory: (
            database: Database,
            store: DeliveryStore,
            client: NotificationClient,
            lists: ListStore,
            commandBus: CommandBus,
            clock: Clock,
            planned: Signal,
            metrics: DeliveryMetrics,
            log: Logger,
          ) =>
            new DeliveryWorker({
              database,
              store,
              queue: new DeliveryQueue(database),
              client,
              lists,
              commandBus,
              clock,
              planned,
              metrics,
              log,
              startGraceS,
            }),
        },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.planner.start();
    this.worker.start();
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all([this.planner.stop(), this.worker.stop()]);
  }
}
