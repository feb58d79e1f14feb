import { type DynamicModule, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { AuditModule, AuditTrail } from '../audit';
import { AuthorizationRecordsModule, InteractionStore, ShownInteractions } from '../authorization';
import { CheckpointStore, LogReader, ParkedStreamStore } from '../event-store';
import { Grants } from '../grants';
import { KnownPersons, PersonsModule, RequestFingerprint } from '../persons';
import { Clock, Database, LOGGER, type Logger, loopCheck, Readiness } from '../platform';
import { ProjectionQueriesModule, ProjectionWait, RunningSubscriptions } from '../projections';
import { SignIns } from '../sign-in';
import { SubscriptionsModule } from '../subscriptions';
import { ErasureKeeper } from './erasure.keeper';
import { ErasureStore } from './erasure.store';
import { PersonErasure } from './person-erasure';

/** Runs with the role `api`, for there the rooms are that keep persons for a while. */
@Module({})
export class ErasureModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly keeper: ErasureKeeper,
    readiness: Readiness,
  ) {
    readiness.add('erasure', () => loopCheck(keeper.state()));
  }

  static with({ personKey, personKeyPrevious }: { personKey: Buffer; personKeyPrevious?: Buffer }): DynamicModule {
    return {
      module: ErasureModule,
      global: true,
      imports: [
        PersonsModule.with(personKey, personKeyPrevious),
        AuditModule,
        AuthorizationRecordsModule,
        ProjectionQueriesModule,
        SubscriptionsModule,
      ],
      providers: [
        {
          provide: ErasureStore,
          inject: [Database],
          useFactory: (database: Database) => new ErasureStore(database),
        },
        {
          provide: ShownInteractions,
          inject: [InteractionStore, RequestFingerprint],
          useFactory: (store: InteractionStore, fingerprints: RequestFingerprint) =>
            new ShownInteractions(store, fingerprints),
        },
        {
          provide: PersonErasure,
          inject: [
            Database,
            ErasureStore,
            KnownPersons,
            Grants,
            SignIns,
            ShownInteractions,
            LogReader,
            ProjectionWait,
            RunningSubscriptions,
            ParkedStreamStore,
            CommandBus,
            Clock,
            LOGGER,
          ],
          useFactory: (
            database: Database,
            store: ErasureStore,
            persons: KnownPersons,
            grants: Grants,
            signIns: SignIns,
            interactions: ShownInteractions,
            log: LogReader,
            projection: ProjectionWait,
            running: RunningSubscriptions,
            parked: ParkedStreamStore,
            commandBus: CommandBus,
            clock: Clock,
            lines: Logger,
          ) =>
            new PersonErasure({
              database,
              store,
              persons,
              holders: [grants, signIns, interactions],
              log,
              projection,
              running,
              parked,
              commandBus,
              clock,
              lines,
            }),
        },
        {
          provide: ErasureKeeper,
          inject: [CheckpointStore, ErasureStore, PersonErasure, AuditTrail, Clock, LOGGER],
          useFactory: (
            checkpoints: CheckpointStore,
            store: ErasureStore,
            erasure: PersonErasure,
            trail: AuditTrail,
            clock: Clock,
            log: Logger,
          ) => new ErasureKeeper(checkpoints, store, erasure, trail, clock, log),
        },
      ],
      exports: [PersonErasure, PersonsModule],
    };
  }

  onApplicationBootstrap(): void {
    this.keeper.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.keeper.stop();
  }
}
