import { type DynamicModule, Module } from '@nestjs/common';
import { Registry } from 'prom-client';
import { askedGauge, Database, LOGGER, type Logger, WakeUp } from '../platform';
import { CheckpointStore } from './checkpoint.store';
import { EventStore } from './event.store';
import { LogReader } from './log.reader';
import { LogAccess } from './log-follower';
import { ParkedStreamStore } from './parked-streams.store';
import type { Upcast } from './stored-event';

/** One log by its name. Nothing here assumes that it is the only one (docs/scaling.md). */
@Module({})
export class EventStoreModule {
  constructor(registry: Registry, parked: ParkedStreamStore) {
    askedGauge({
      registry,
      name: 'medmij_parked_streams',
      help: 'Streams that a reader of the log skips until they are replayed',
      labelNames: ['reader'],
      ask: async () => [...(await parked.counts())].map(([reader, value]) => ({ labels: { reader }, value })),
    });
  }

  /** `upcast` knows the older forms of the facts in this log. */
  static with(logName: string, upcast: Upcast): DynamicModule {
    const appendedIn = (wakeUp: WakeUp) => wakeUp.signal(`appended.${logName}`);
    return {
      module: EventStoreModule,
      global: true,
      providers: [
        {
          provide: EventStore,
          inject: [Database, WakeUp],
          useFactory: (db: Database, wakeUp: WakeUp) => new EventStore(db, logName, appendedIn(wakeUp), upcast),
        },
        { provide: LogReader, inject: [Database], useFactory: (db: Database) => new LogReader(db, logName) },
        {
          provide: CheckpointStore,
          inject: [Database, WakeUp],
          useFactory: (db: Database, wakeUp: WakeUp) =>
            new CheckpointStore(db, logName, wakeUp.signal(`released.${logName}`)),
        },
        {
          provide: ParkedStreamStore,
          inject: [Database],
          useFactory: (db: Database) => new ParkedStreamStore(db, logName),
        },
        {
          provide: LogAccess,
          inject: [Database, LogReader, CheckpointStore, WakeUp, LOGGER],
          useFactory: (db: Database, reader: LogReader, checkpoints: CheckpointStore, wakeUp: WakeUp, log: Logger) =>
            new LogAccess(db, reader, checkpoints, appendedIn(wakeUp), log, upcast),
        },
      ],
      exports: [EventStore, LogReader, CheckpointStore, ParkedStreamStore, LogAccess],
    };
  }
}
