import { Module } from '@nestjs/common';
import { AuthorizationRecordsModule } from '../authorization';
import { LogReader } from '../event-store';
import { DeliveriesModule } from '../notifications';
import { ProjectionQueriesModule } from '../projections';
import { SubscriptionsModule } from '../subscriptions';
import { DeadLettersController } from './dead-letters.controller';
import { DeliveriesController } from './deliveries.controller';
import { InteractionsController } from './interactions.controller';
import { ListsController } from './lists.controller';
import { ParkedController } from './parked.controller';
import { ProjectionsController } from './projections.controller';
import { RecordedSubscriptions } from './recorded-subscriptions';
import { StatsController } from './stats.controller';
import { SubscriptionOrdersController } from './subscription-orders.controller';
import { SubscriptionsController } from './subscriptions.controller';

@Module({
  imports: [ProjectionQueriesModule, DeliveriesModule, SubscriptionsModule, AuthorizationRecordsModule],
  controllers: [
    SubscriptionsController,
    SubscriptionOrdersController,
    DeliveriesController,
    DeadLettersController,
    ParkedController,
    ListsController,
    ProjectionsController,
    StatsController,
    InteractionsController,
  ],
  providers: [
    {
      provide: RecordedSubscriptions,
      inject: [LogReader],
      useFactory: (log: LogReader) => new RecordedSubscriptions(log),
    },
  ],
})
export class OpsModule {}
