import { type DynamicModule, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ClientsModule } from '../clients';
import { CheckpointStore } from '../event-store';
import { ListStore } from '../medmij-lists';
import { Clock, Database, LOGGER, type Logger, loopCheck, Readiness } from '../platform';
import { ProjectionQueriesModule, ProjectionWait, RunningSubscriptions } from '../projections';
import { SubscriptionsModule } from '../subscriptions';
import { DelistingScheduler } from './delisting.scheduler';
import { DelistingStore } from './delisting.store';
import { Listed } from './listed';

export interface DelistingOptions {
  /** Undefined (development) means any. */
  ownHosts: ReadonlySet<string> | undefined;
  /** From leaving the lists to the end of what depends on it. */
  delistedEndDays: number;
}

@Module({})
export class DelistingModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly scheduler: DelistingScheduler,
    readiness: Readiness,
  ) {
    readiness.add('delisting', () => loopCheck(scheduler.state()));
  }

  static with({ ownHosts, delistedEndDays }: DelistingOptions): DynamicModule {
    return {
      module: DelistingModule,
      imports: [SubscriptionsModule, ClientsModule, ProjectionQueriesModule],
      providers: [
        {
          provide: DelistingScheduler,
          inject: [
            CheckpointStore,
            Database,
            ListStore,
            RunningSubscriptions,
            ProjectionWait,
            CommandBus,
            Clock,
            LOGGER,
          ],
          useFactory: (
            checkpoints: CheckpointStore,
            database: Database,
            lists: ListStore,
            running: RunningSubscriptions,
            projection: ProjectionWait,
            commandBus: CommandBus,
            clock: Clock,
            log: Logger,
          ) =>
            new DelistingScheduler({
              checkpoints,
              store: new DelistingStore(database),
              listed: new Listed(lists, ownHosts),
              running,
              projection,
              commandBus,
              clock,
              log,
              endAfterDays: delistedEndDays,
            }),
        },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.scheduler.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.scheduler.stop();
  }
}
