import { Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { AuditModule, DestructionRecords } from '../audit';
import { ArchiveMonths, ArchiveStore, CheckpointStore, LogReader, ParkedStreamStore } from '../event-store';
import { LeftPersons } from '../persons';
import { Clock, Database, LOGGER, type Logger, loopCheck, Readiness } from '../platform';
import { ProjectionQueriesModule, ProjectionWait, ViewRetention } from '../projections';
import { ArchiveKeeper } from './archive.keeper';
import { Destruction } from './destruction';

@Module({
  imports: [ProjectionQueriesModule, AuditModule],
  providers: [
    {
      provide: Destruction,
      inject: [
        Database,
        LogReader,
        ArchiveStore,
        ArchiveMonths,
        ViewRetention,
        ProjectionWait,
        ParkedStreamStore,
        DestructionRecords,
        Clock,
        LOGGER,
      ],
      useFactory: (
        database: Database,
        reader: LogReader,
        archive: ArchiveStore,
        months: ArchiveMonths,
        views: ViewRetention,
        projection: ProjectionWait,
        parked: ParkedStreamStore,
        destructions: DestructionRecords,
        clock: Clock,
        log: Logger,
      ) => {
        const persons = new LeftPersons(database);
        return new Destruction({
          database,
          reader,
          archive,
          months,
          views,
          projection,
          parked,
          persons,
          destructions,
          clock,
          log,
        });
      },
    },
    {
      provide: ArchiveKeeper,
      inject: [Database, CheckpointStore, LogReader, ArchiveStore, ArchiveMonths, Destruction, Clock, LOGGER],
      useFactory: (
        database: Database,
        checkpoints: CheckpointStore,
        reader: LogReader,
        archive: ArchiveStore,
        months: ArchiveMonths,
        destruction: Destruction,
        clock: Clock,
        log: Logger,
      ) => new ArchiveKeeper({ database, checkpoints, reader, archive, months, destruction, clock, log }),
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
