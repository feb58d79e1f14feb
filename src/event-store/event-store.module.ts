import { type DynamicModule, Module } from '@nestjs/common';
import { Database, LOGGER, type Logger, Signal } from '../platform';
import { CheckpointStore } from './checkpoint.store';
import { EventStore } from './event.store';
import { LogReader } from './log.reader';
import { LogAccess } from './log-follower';

/** One log by its name. Nothing here assumes that it is the only one (docs/scaling.md). */
@Module({})
export class EventStoreModule {
  static with(logName: string): DynamicModule {
    const appended = new Signal();
    return {
      module: EventStoreModule,
      global: true,
      providers: [
        {
          provide: EventStore,
          inject: [Database],
          useFactory: (db: Database) => new EventStore(db, logName, appended),
        },
        { provide: LogReader, inject: [Database], useFactory: (db: Database) => new LogReader(db, logName) },
        {
          provide: CheckpointStore,
          inject: [Database],
          useFactory: (db: Database) => new CheckpointStore(db, logName),
        },
        {
          provide: LogAccess,
          inject: [Database, LogReader, CheckpointStore, LOGGER],
          useFactory: (database: Database, reader: LogReader, checkpoints: CheckpointStore, log: Logger) =>
            new LogAccess(database, reader, checkpoints, appended, log),
        },
      ],
      exports: [EventStore, LogReader, CheckpointStore, LogAccess],
    };
  }
}
