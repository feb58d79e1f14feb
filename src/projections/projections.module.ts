import { type DynamicModule, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Registry } from 'prom-client';
import { LogAccess, LogReader } from '../event-store';
import {
  askedGauge,
  Clock,
  Database,
  LOGGER,
  type Logger,
  loopCheck,
  Readiness,
  type Signal,
  WakeUp,
} from '../platform';
import { DriftCheck } from './drift-check';
import { ProjectionStore } from './projection.store';
import { ProjectionCheck } from './projection-check';
import { ProjectionOperations } from './projection-operations';
import { ProjectionVersions } from './projection-versions';
import { ProjectionWait } from './projection-wait';
import { RunningSubscriptions } from './running-subscriptions.store';
import { SubscriptionCounts } from './subscription-counts.store';
import { SubscriptionViewStore } from './subscription-view.store';
import { ViewRetention } from './view-retention.store';

const MOVED = Symbol('MOVED');
const ASKED = Symbol('ASKED');

/** Reading the projections, and asking for new versions of them, in every process. */
@Module({
  providers: [
    {
      provide: SubscriptionViewStore,
      inject: [Database],
      useFactory: (database: Database) => new SubscriptionViewStore(database),
    },
    { provide: ViewRetention, useFactory: () => new ViewRetention() },
    {
      provide: SubscriptionCounts,
      inject: [Database],
      useFactory: (database: Database) => new SubscriptionCounts(database),
    },
    {
      provide: RunningSubscriptions,
      inject: [Database],
      useFactory: (database: Database) => new RunningSubscriptions(database),
    },
    {
      provide: ProjectionStore,
      inject: [Database, LogReader],
      useFactory: (database: Database, reader: LogReader) => new ProjectionStore(database, reader),
    },
    { provide: MOVED, inject: [WakeUp], useFactory: (wakeUp: WakeUp): Signal => wakeUp.signal('projections') },
    { provide: ASKED, inject: [WakeUp], useFactory: (wakeUp: WakeUp): Signal => wakeUp.signal('projection-tasks') },
    {
      provide: ProjectionWait,
      inject: [ProjectionStore, MOVED],
      useFactory: (projections: ProjectionStore, moved: Signal) => new ProjectionWait(projections, moved),
    },
    {
      provide: ProjectionCheck,
      inject: [LogAccess, ProjectionStore, SubscriptionViewStore],
      useFactory: (access: LogAccess, projections: ProjectionStore, views: SubscriptionViewStore) =>
        new ProjectionCheck(access, projections, views),
    },
    {
      provide: ProjectionOperations,
      inject: [LogAccess, ProjectionStore, ProjectionCheck, Clock, ASKED],
      useFactory: (
        access: LogAccess,
        projections: ProjectionStore,
        check: ProjectionCheck,
        clock: Clock,
        asked: Signal,
      ) => new ProjectionOperations(access, projections, check, clock, asked),
    },
  ],
  exports: [
    RunningSubscriptions,
    SubscriptionCounts,
    SubscriptionViewStore,
    ViewRetention,
    ProjectionStore,
    ProjectionWait,
    ProjectionCheck,
    ProjectionOperations,
    MOVED,
    ASKED,
  ],
})
export class ProjectionQueriesModule {}

/** Keeping them up to date, in processes with the role. */
@Module({})
export class ProjectorModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly versions: ProjectionVersions,
    private readonly driftCheck: DriftCheck,
    projections: ProjectionStore,
    access: LogAccess,
    readiness: Readiness,
    registry: Registry,
  ) {
    readiness.add('projections', () => versions.check());
    readiness.add('drift check', () => loopCheck(driftCheck.state()));
    access.watch.showLag(
      { events: 'medmij_projection_lag_events', seconds: 'medmij_projection_lag_seconds' },
      'not seen by a projection yet',
      {
        labelNames: ['projection'],
        ask: async () =>
          Promise.all(
            (await projections.all()).map(async ({ name }) => ({
              labels: { projection: name },
              lag: await projections.lag(name),
            })),
          ),
      },
    );
    askedGauge({
      registry,
      name: 'medmij_projection_differing',
      help: 'Subscriptions that differed from the log when a sample of the projection was last compared with it',
      labelNames: ['projection'],
      ask: async () =>
        (await projections.all()).flatMap(({ name, differing }) =>
          differing === null ? [] : [{ labels: { projection: name }, value: differing }],
        ),
    });
  }

  static with(): DynamicModule {
    return {
      module: ProjectorModule,
      imports: [ProjectionQueriesModule],
      providers: [
        {
          provide: ProjectionVersions,
          inject: [LogAccess, ProjectionStore, SubscriptionViewStore, MOVED, ASKED],
          useFactory: (
            access: LogAccess,
            projections: ProjectionStore,
            views: SubscriptionViewStore,
            moved: Signal,
            asked: Signal,
          ) => new ProjectionVersions(access, projections, views, moved, asked),
        },
        {
          provide: DriftCheck,
          inject: [ProjectionCheck, ProjectionStore, Clock, LOGGER],
          useFactory: (check: ProjectionCheck, projections: ProjectionStore, clock: Clock, log: Logger) =>
            new DriftCheck(check, projections, clock, log),
        },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.versions.start();
    this.driftCheck.start();
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all([this.versions.stop(), this.driftCheck.stop()]);
  }
}
