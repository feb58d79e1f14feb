import { Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { AuditModule, DestructionRecords } from '../audit';
import { ArchiveStore, CheckpointStore, LogReader } from '../event-store';
import { Clock, Database, LOGGER, type Logger, loopCheck, Readiness } from '../platform';
import { ProjectionOperations, ProjectionQueriesModule, SubscriptionViewStore } from '../projections';
import { ArchiveKeeper } from './archive.keeper';

@Module({
  imports: [ProjectionQueriesModule, AuditModule],
  providers: [
    {
      provide: ArchiveKeeper,
      inject: [
        Database,
        CheckpointStore,
        LogReader,
        ArchiveStore,
        SubscriptionViewStore,
        ProjectionOperations,
        DestructionRecords,
        Clock,
        LOGGER,
      ],
      useFactory: (
        database: Database,
        checkpoints: CheckpointStore,
        reader: LogReader,
        archive: ArchiveStore,
        views: SubscriptionViewStore,
        projections: ProjectionOperations,
        destructions: DestructionRecords,
        clock: Clock,
        log: Logger,
      ) => new ArchiveKeeper({ database, checkpoints, reader, archive, views, projections, destructions, clock, log }),
    },
  ],
})
export class ArchiveModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly keeper: ArchiveKeeper,
    readiness: Readiness,
  ) {
    readiness.add('archive', () => loopCheck(keeper.state()));
  }

  onApplicationBootstrap(): void {
    this.keeper.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.keeper.stop();
  }
}
