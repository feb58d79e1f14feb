import { type DynamicModule, Module } from '@nestjs/common';
import { Database, LOGGER, type Logger, WakeUp } from '../platform';
import { CheckpointStore } from './checkpoint.store';
import { EventStore } from './event.store';
import { LogReader } from './log.reader';
import { LogAccess } from './log-follower';

/** One log by its name. Nothing here assumes that it is the only one (docs/scaling.md). */
@Module({})
export class EventStoreModule {
  static with(logName: string): DynamicModule {
    const appendedIn = (wakeUp: WakeUp) => wakeUp.signal(`appended.${logName}`);
    return {
      module: EventStoreModule,
      global: true,
      providers: [
        {
          provide: EventStore,
          inject: [Database, WakeUp],
          useFactory: (db: Database, wakeUp: WakeUp) => new EventStore(db, logName, appendedIn(wakeUp)),
        },
        { provide: LogReader, inject: [Database], useFactory: (db: Database) => new LogReader(db, logName) },
        {
          provide: CheckpointStore,
          inject: [Database, WakeUp],
          useFactory: (db: Database, wakeUp: WakeUp) =>
            new CheckpointStore(db, logName, wakeUp.signal(`released.${logName}`)),
        },
        {
          provide: LogAccess,
          inject: [Database, LogReader, CheckpointStore, WakeUp, LOGGER],
          useFactory: (db: Database, reader: LogReader, checkpoints: CheckpointStore, wakeUp: WakeUp, log: Logger) =>
            new LogAccess(db, reader, checkpoints, appendedIn(wakeUp), log),
        },
      ],
      exports: [EventStore, LogReader, CheckpointStore, LogAccess],
    };
  }
}
