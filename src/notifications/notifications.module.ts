import {
  type DynamicModule,
  Inject,
  Module,
  type ModuleMetadata,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { Registry } from 'prom-client';
import { AuditModule, DestructionRecords, keptByMonth } from '../audit';
import { NotificationClient } from '../client-connections';
import { EventAudit, type Fact, LogAccess, type LogFollower } from '../event-store';
import { ListStore } from '../medmij-lists';
import {
  Clock,
  Database,
  LOGGER,
  type Logger,
  loopCheck,
  Readiness,
  type Signal,
  type Tracing,
  TRACING,
  WakeUp,
} from '../platform';
import { SubscriptionsModule } from '../subscriptions';
import { AttemptAudit } from './attempt-audit.store';
import { CompletionBatcher } from './completion-batcher';
import { BeforeSending } from './delivery';
import { DeliveryAttempt } from './delivery.attempt';
import { DeliveryKeeper } from './delivery.keeper';
import { DeliveryLedger } from './delivery-ledger.store';
import { DeliveryLosses } from './delivery-losses';
import { DeliveryMetrics } from './delivery.metrics';
import { DeliveryQueue } from './delivery-queue.store';
import { DeliveryRecords } from './delivery-records.store';
import { DeliveryReplay } from './delivery-replay.store';
import { DeliveryStore } from './delivery.store';
import { DeliveryWorker } from './delivery.worker';
import { EndpointStore } from './endpoint.store';
import { EndpointRecords } from './endpoint-records.store';
import { EndpointRateStore, type EndpointRates } from './endpoint-rate.store';
import { PacedDeliveryQueue } from './paced-delivery-queue';
import { createPlanner } from './planner.reader';
import { TracedAttempt } from './traced-attempt';

/** Every try and every ending; part of the audit trail. */
const attemptLog = { name: 'delivery_attempt', by: 'written_at' };

const PLANNER = Symbol('PLANNER');
/** Raised when there is something to deliver. */
export const PLANNED = Symbol('PLANNED');

/** Reading and repairing deliveries, in every process. */
@Module({
  providers: [
    { provide: DeliveryStore, useFactory: () => new DeliveryStore() },
    { provide: DeliveryRecords, inject: [Database], useFactory: (database: Database) => new DeliveryRecords(database) },
    {
      provide: DeliveryReplay,
      inject: [Database, DeliveryRecords],
      useFactory: (database: Database, records: DeliveryRecords) => new DeliveryReplay(database, records),
    },
    { provide: DeliveryLedger, inject: [Database], useFactory: (database: Database) => new DeliveryLedger(database) },
    {
      provide: AttemptAudit,
      inject: [Database, EventAudit],
      useFactory: (database: Database, events: EventAudit) => new AttemptAudit(database, events),
    },
    { provide: EndpointRecords, inject: [Database], useFactory: (database: Database) => new EndpointRecords(database) },
    {
      provide: DeliveryMetrics,
      inject: [Registry, DeliveryRecords, EndpointRecords, Clock],
      useFactory: createMetrics,
    },
    { provide: PLANNED, inject: [WakeUp], useFactory: (wakeUp: WakeUp): Signal => wakeUp.signal('deliveries') },
  ],
  exports: [
    AttemptAudit,
    DeliveryStore,
    DeliveryRecords,
    DeliveryReplay,
    DeliveryLedger,
    EndpointRecords,
    DeliveryMetrics,
    PLANNED,
  ],
})
export class DeliveriesModule {}

function createMetrics(
  registry: Registry,
  records: DeliveryRecords,
  endpoints: EndpointRecords,
  clock: Clock,
): DeliveryMetrics {
  return new DeliveryMetrics(registry, records, endpoints, clock);
}

export interface NotificationOptions {
  startGraceS: number;
  rates: EndpointRates;
  /** Modules of which one exports `BeforeSending`; without it no resource notification is sent. */
  beforeSending?: ModuleMetadata['imports'];
}

/** Planner and worker, in processes with the role. */
@Module({})
export class NotificationsModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(PLANNER) private readonly planner: LogFollower<Fact>,
    private readonly worker: DeliveryWorker,
    private readonly keeper: DeliveryKeeper,
    private readonly losses: DeliveryLosses,
    readiness: Readiness,
    access: LogAccess,
  ) {
    readiness.add('planner', () => planner.check());
    readiness.add('delivery_log', () => keeper.check());
    readiness.add('delivery_losses', () => loopCheck(losses.state()));
    readiness.add('delivery', () => {
      const { heldBackBy, ...state } = worker.state();
      return heldBackBy === undefined
        ? loopCheck(state)
        : { status: 'degraded', reason: `nothing is sent: ${heldBackBy}` };
    });
    access.watch.showLag(
      { events: 'medmij_planner_lag_events', seconds: 'medmij_planner_lag_seconds' },
      'not seen by the planner of notifications yet',
      { ask: async () => [{ lag: await planner.lag() }] },
    );
  }

  static with({ startGraceS, rates, beforeSending = [] }: NotificationOptions): DynamicModule {
    return {
      module: NotificationsModule,
      imports: [AuditModule, DeliveriesModule, SubscriptionsModule, ...beforeSending],
      providers: [
        { provide: PLANNER, inject: [LogAccess, DeliveryStore, Clock, PLANNED], useFactory: createPlanner },
        { provide: EndpointStore, inject: [Database], useFactory: (database: Database) => new EndpointStore(database) },
        {
          provide: DeliveryQueue,
          inject: [Database, TRACING, PLANNED, DeliveryMetrics],
          useFactory: (database: Database, tracing: Tracing, planned: Signal, metrics: DeliveryMetrics) =>
            hasRates(rates)
              ? new PacedDeliveryQueue({
                  database,
                  withTraces: tracing.isOn,
                  rates: new EndpointRateStore(database, rates),
                  planned,
                  metrics,
                })
              : new DeliveryQueue(database, tracing.isOn),
        },
        {
          provide: DeliveryKeeper,
          inject: [Database, DestructionRecords, DeliveryQueue, DeliveryLedger, Clock, LOGGER],
          useFactory: (
            database: Database,
            destructions: DestructionRecords,
            queue: DeliveryQueue,
            ledger: DeliveryLedger,
            clock: Clock,
            log: Logger,
          ) =>
            new DeliveryKeeper(keptByMonth(attemptLog, { database, destructions, clock }), queue, ledger, clock, log),
        },
        {
          provide: DeliveryLosses,
          inject: [DeliveryLedger, Registry, Clock, LOGGER],
          useFactory: (ledger: DeliveryLedger, registry: Registry, clock: Clock, log: Logger) =>
            new DeliveryLosses(ledger, registry, clock, log),
        },
        {
          provide: DeliveryAttempt,
          inject: [
            Database,
            DeliveryStore,
            NotificationClient,
            ListStore,
            CommandBus,
            Clock,
            { token: BeforeSending, optional: true },
          ],
          useFactory: (
            database: Database,
            store: DeliveryStore,
            client: NotificationClient,
            lists: ListStore,
            commandBus: CommandBus,
            clock: Clock,
            asked: BeforeSending = nobodyToAsk,
          ) =>
            new DeliveryAttempt({
              database,
              store,
              client,
              lists,
              commandBus,
              clock,
              beforeSending: asked,
              startGraceS,
            }),
        },
        {
          provide: DeliveryWorker,
          inject: [
            DeliveryQueue,
            EndpointStore,
            DeliveryAttempt,
            NotificationClient,
            Clock,
            PLANNED,
            DeliveryMetrics,
            LOGGER,
            TRACING,
          ],
          useFactory: (
            queue: DeliveryQueue,
            endpoints: EndpointStore,
            attempt: DeliveryAttempt,
            client: NotificationClient,
            clock: Clock,
            planned: Signal,
            metrics: DeliveryMetrics,
            log: Logger,
            tracing: Tracing,
          ) => {
            const attempts = tracing.isOn ? new TracedAttempt(attempt, tracing) : attempt;
            const completions = new CompletionBatcher(queue, endpoints, () => clock.now());
            return new DeliveryWorker({ queue, attempts, completions, client, clock, planned, metrics, log });
          },
        },
      ],
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.keeper.start();
    this.planner.start();
    this.worker.start();
    this.losses.start();
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all([this.planner.stop(), this.worker.stop(), this.keeper.stop(), this.losses.stop()]);
  }
}

/** Without any, claims cost what they cost before. */
function hasRates({ byClient, others }: EndpointRates): boolean {
  return others !== undefined || Object.keys(byClient).length > 0;
}

/** Nothing is sent on a guess. */
const nobodyToAsk: BeforeSending = {
  mayTell: () => Promise.reject(new Error('Nobody says whether a resource notification may be sent.')),
};
