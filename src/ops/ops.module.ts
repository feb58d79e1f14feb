import { Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { AuditLineStore, AuditModule, AuditPages, AuditTrail, DestructionRecords } from '../audit';
import { AuthorizationRecordsModule } from '../authorization';
import { ClientHistory, ClientsModule, SuspendedClients } from '../clients';
import { ClientResumptionModule } from '../endpoint-watch';
import { EventAudit, LogAccess, LogWatch, StreamHistories } from '../event-store';
import { ListStore } from '../medmij-lists';
import { AttemptAudit, DeliveriesModule, DeliveryRecords } from '../notifications';
import { Clock, LOGGER, type Logger, Readiness } from '../platform';
import {
  ProjectionOperations,
  ProjectionQueriesModule,
  SubscriptionCounts,
  SubscriptionViewStore,
} from '../projections';
import { RelayCheckModule } from '../relay';
import { SubscriptionsModule } from '../subscriptions';
import { AuditController } from './audit.controller';
import { ClientOrdersController } from './client-orders.controller';
import { ClientRecords } from './client-records';
import { ClientsController } from './clients.controller';
import { DeadLettersController } from './dead-letters.controller';
import { DeliveryAttemptsController } from './delivery-attempts.controller';
import { DeliveryReportController } from './delivery-report.controller';
import { DeliveriesController } from './deliveries.controller';
import { EndpointsController } from './endpoints.controller';
import { InteractionsController } from './interactions.controller';
import { LiveFigures } from './live-figures';
import { ListsController } from './lists.controller';
import { OperatorsAudit } from './operators-audit';
import { ParkedController } from './parked.controller';
import { PersonsController } from './persons.controller';
import { ProjectionsController } from './projections.controller';
import { RecordedSubscriptions } from './recorded-subscriptions';
import { RelayController } from './relay.controller';
import { Statistics } from './statistics';
import { StatsController } from './stats.controller';
import { SubscriptionOrdersController } from './subscription-orders.controller';
import { SubscriptionsController } from './subscriptions.controller';
import { SubscriptionsAsOf } from './subscriptions-as-of';

@Module({
  imports: [
    AuditModule,
    ProjectionQueriesModule,
    DeliveriesModule,
    SubscriptionsModule,
    AuthorizationRecordsModule,
    ClientsModule,
    ClientResumptionModule,
    RelayCheckModule,
  ],
  controllers: [
    SubscriptionsController,
    SubscriptionOrdersController,
    ClientsController,
    ClientOrdersController,
    DeliveriesController,
    DeliveryAttemptsController,
    DeliveryReportController,
    EndpointsController,
    DeadLettersController,
    ParkedController,
    ListsController,
    ProjectionsController,
    StatsController,
    InteractionsController,
    AuditController,
    PersonsController,
    RelayController,
  ],
  providers: [
    {
      provide: OperatorsAudit,
      inject: [AuditTrail, Clock, HttpAdapterHost],
      useFactory: (trail: AuditTrail, clock: Clock, { httpAdapter }: HttpAdapterHost) => {
        const audit = new OperatorsAudit(trail, clock);
        audit.register(httpAdapter.getInstance<FastifyInstance>());
        return audit;
      },
    },
    {
      provide: AuditPages,
      inject: [AuditLineStore, EventAudit, AttemptAudit, DestructionRecords],
      useFactory: (
        operation: AuditLineStore,
        event: EventAudit,
        notification: AttemptAudit,
        retention: DestructionRecords,
      ) => new AuditPages({ operation, event, notification, retention }),
    },
    {
      provide: ClientRecords,
      inject: [ListStore, SuspendedClients, SubscriptionCounts, DeliveryRecords, Clock],
      useFactory: (
        lists: ListStore,
        suspended: SuspendedClients,
        subscriptions: SubscriptionCounts,
        deliveries: DeliveryRecords,
        clock: Clock,
      ) => new ClientRecords(lists, suspended, subscriptions, deliveries, clock),
    },
    {
      provide: RecordedSubscriptions,
      inject: [StreamHistories, SuspendedClients],
      useFactory: (histories: StreamHistories, suspended: SuspendedClients) =>
        new RecordedSubscriptions(histories, suspended),
    },
    {
      provide: SubscriptionsAsOf,
      inject: [SubscriptionViewStore, StreamHistories, ClientHistory],
      useFactory: (views: SubscriptionViewStore, histories: StreamHistories, clients: ClientHistory) =>
        new SubscriptionsAsOf(views, histories, clients),
    },
    {
      provide: Statistics,
      inject: [SubscriptionCounts, DeliveryRecords, ProjectionOperations, LogAccess, LogWatch, Clock],
      useFactory: (
        counts: SubscriptionCounts,
        deliveries: DeliveryRecords,
        projections: ProjectionOperations,
        log: LogAccess,
        watch: LogWatch,
        clock: Clock,
      ) => new Statistics(counts, deliveries, projections, log, watch, clock),
    },
    {
      provide: LiveFigures,
      inject: [Statistics, LogAccess, DeliveryRecords, SuspendedClients, ListStore, Readiness, Clock, LOGGER],
      useFactory: (
        statistics: Statistics,
        log: LogAccess,
        deliveries: DeliveryRecords,
        suspended: SuspendedClients,
        lists: ListStore,
        readiness: Readiness,
        clock: Clock,
        logger: Logger,
      ) => new LiveFigures({ statistics, log, deliveries, suspended, lists, readiness, clock, logger }),
    },
  ],
})
export class OpsModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(private readonly live: LiveFigures) {}

  onApplicationBootstrap(): void {
    this.live.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.live.stop();
  }
}
