import { type DynamicModule, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Registry } from 'prom-client';
import { askedGauge, Database, LOGGER, type Logger, loopCheck, Readiness, WakeUp } from '../platform';
import { ArchiveMonths } from './archive-months.store';
import { ArchiveStore } from './archive.store';
import { CheckpointStore } from './checkpoint.store';
import { EventAudit } from './event-audit.store';
import { EventStore } from './event.store';
import { LogHoldStore } from './log-hold.store';
import { describeHold, LogWatch, type LogWatchOptions } from './log-watch';
import { LogReader } from './log.reader';
import { LogAccess } from './log-follower';
import { ParkedStreamStore } from './parked-streams.store';
import { ReaderWatch } from './reader.watch';
import type { Upcast } from './stored-event';
import { StreamHistories } from './stream-histories.store';

/** One log by its name. Nothing here assumes that it is the only one (docs/scaling.md). */
@Module({})
export class EventStoreModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly watch: LogWatch,
    parked: ParkedStreamStore,
    readiness: Readiness,
    registry: Registry,
  ) {
    readiness.add('log', () => {
      const hold = watch.heldBy();
      return hold ? { status: 'degraded', reason: describeHold(hold) } : loopCheck(watch.state());
    });
    askedGauge({
      registry,
      name: 'medmij_log_held_seconds',
      help: 'Age of the transaction that holds the log back, while there is one',
      labelNames: ['database', 'holder'],
      ask: () => Promise.resolve(heldSeconds(watch)),
    });
    askedGauge({
      registry,
      name: 'medmij_parked_streams',
      help: 'Streams that a reader of the log skips until they are replayed',
      labelNames: ['reader'],
      ask: async () => [...(await parked.counts())].map(([reader, value]) => ({ labels: { reader }, value })),
    });
  }

  /** `upcast` knows the older forms of the facts in this log. */
  static with(logName: string, upcast: Upcast, watch: LogWatchOptions = { endAfterS: 0 }): DynamicModule {
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
        { provide: EventAudit, inject: [Database], useFactory: (db: Database) => new EventAudit(db) },
        { provide: ArchiveMonths, inject: [Database], useFactory: (db: Database) => new ArchiveMonths(db) },
        { provide: ArchiveStore, inject: [Database], useFactory: (db: Database) => new ArchiveStore(db, logName) },
        { provide: LogReader, inject: [Database], useFactory: (db: Database) => new LogReader(db, logName) },
        {
          provide: CheckpointStore,
          inject: [Database, WakeUp],
          useFactory: (db: Database, wakeUp: WakeUp) =>
            new CheckpointStore(db, logName, wakeUp.signal(`released.${logName}`)),
        },
        {
          provide: ParkedStreamStore,
          inject: [LogAccess],
          useFactory: (access: LogAccess) => access.parked,
        },
        { provide: StreamHistories, inject: [LogAccess], useFactory: (access: LogAccess) => access.histories },
        {
          provide: LogAccess,
          inject: [Database, LogReader, CheckpointStore, WakeUp, LOGGER, Registry],
          useFactory: (
            db: Database,
            reader: LogReader,
            checkpoints: CheckpointStore,
            wakeUp: WakeUp,
            log: Logger,
            registry: Registry,
          ) => new LogAccess(db, reader, checkpoints, appendedIn(wakeUp), log, upcast, new ReaderWatch(registry, log)),
        },
        {
          provide: LogWatch,
          inject: [Database, LOGGER],
          useFactory: (db: Database, log: Logger) => new LogWatch(new LogHoldStore(db), log, watch),
        },
      ],
      exports: [
        EventStore,
        ArchiveMonths,
        ArchiveStore,
        EventAudit,
        LogReader,
        CheckpointStore,
        ParkedStreamStore,
        StreamHistories,
        LogAccess,
        LogWatch,
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.watch.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.watch.stop();
  }
}

function heldSeconds(watch: LogWatch) {
  const hold = watch.heldBy();
  if (!hold) return [];
  const holder = hold.prepared ?? String(hold.pid ?? 'unknown');
  return [{ labels: { database: hold.database ?? 'unknown', holder }, value: hold.age_s }];
}
