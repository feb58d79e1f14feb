import { Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { CheckpointStore, EventStore } from '../event-store';
import { Clock, LOGGER, type Logger, loopCheck, Readiness } from '../platform';
import { SubscriptionsModule } from '../subscriptions';
import { ExpiryScheduler } from './expiry.scheduler';

@Module({
  imports: [SubscriptionsModule],
  providers: [
    {
      provide: ExpiryScheduler,
      inject: [CheckpointStore, EventStore, CommandBus, Clock, LOGGER],
      useFactory: (
        checkpoints: CheckpointStore,
        eventStore: EventStore,
        commandBus: CommandBus,
        clock: Clock,
        log: Logger,
      ) => new ExpiryScheduler(checkpoints, eventStore, commandBus, clock, log),
    },
  ],
})
export class ExpiryModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly scheduler: ExpiryScheduler,
    readiness: Readiness,
  ) {
    readiness.add('expiry', () => loopCheck(scheduler.state()));
  }

  onApplicationBootstrap(): void {
    this.scheduler.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.scheduler.stop();
  }
}
