import { Module } from '@nestjs/common';
import { AuthorizationRecordsModule } from '../authorization';
import { DeliveriesModule } from '../notifications';
import { ProjectionQueriesModule } from '../projections';
import { DeadLettersController } from './dead-letters.controller';
import { DeliveriesController } from './deliveries.controller';
import { InteractionsController } from './interactions.controller';
import { ListsController } from './lists.controller';
import { ParkedController } from './parked.controller';
import { ProjectionsController } from './projections.controller';
import { StatsController } from './stats.controller';
import { SubscriptionsController } from './subscriptions.controller';

@Module({
  imports: [ProjectionQueriesModule, DeliveriesModule, AuthorizationRecordsModule],
  controllers: [
    SubscriptionsController,
    DeliveriesController,
    DeadLettersController,
    ParkedController,
    ListsController,
    ProjectionsController,
    StatsController,
    InteractionsController,
  ],
})
export class OpsModule {}
