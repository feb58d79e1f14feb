import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Registry } from 'prom-client';
import { CheckpointStore, LogAccess, type LogFollower } from '../event-store';
import { askedGauge, Database, Readiness, type Signal, WakeUp } from '../platform';
import type { SubscriptionEvent } from '../subscriptions';
import { ProjectionWait } from './projection-wait';
import { createProjector } from './subscription.projector';
import { SubscriptionViewStore } from './subscription-view.store';

const PROJECTOR = Symbol('PROJECTOR');
const MOVED = Symbol('MOVED');

/** Reading the projections, in every process. */
@Module({
  providers: [
    {
      provide: SubscriptionViewStore,
      inject: [Database],
      useFactory: (database: Database) => new SubscriptionViewStore(database),
    },
    { provide: MOVED, inject: [WakeUp], useFactory: (wakeUp: WakeUp): Signal => wakeUp.signal('projections') },
    {
      provide: ProjectionWait,
      inject: [CheckpointStore, MOVED],
      useFactory: (checkpoints: CheckpointStore, moved: Signal) => new ProjectionWait(checkpoints, moved),
    },
  ],
  exports: [SubscriptionViewStore, ProjectionWait, MOVED],
})
export class ProjectionQueriesModule {}

/** Keeping them up to date, in processes with the role. */
@Module({})
export class ProjectorModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(PROJECTOR) private readonly projector: LogFollower<SubscriptionEvent>,
    readiness: Readiness,
    registry: Registry,
  ) {
    readiness.add('projections', () => projector.check());
    askedGauge({
      registry,
      name: 'medmij_projection_lag_events',
      help: 'Events of the log that a projection has not seen yet',
      labelNames: ['projection'],
      ask: async () => [{ labels: { projection: 'subscriptions' }, value: (await projector.lag()).events }],
    });
  }

  static with(): DynamicModule {
    return {
      module: ProjectorModule,
      imports: [ProjectionQueriesModule],
      providers: [
        { provide: PROJECTOR, inject: [LogAccess, SubscriptionViewStore, MOVED], useFactory: createProjector },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.projector.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.projector.stop();
  }
}
