import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ClientsModule, SuspendedClients } from '../clients';
import { parse } from '../http';
import { IncomingRecords, type RecordConsumer } from '../incoming-records';
import { ListStore } from '../medmij-lists';
import { DeliveriesModule, DeliveryStore, PLANNED } from '../notifications';
import { KnownPersons, PersonIdentities, PersonsModule, RequestFingerprint } from '../persons';
import {
  Clock,
  Database,
  forgettingLoop,
  LOGGER,
  type Logger,
  loopCheck,
  Readiness,
  type Signal,
  type WorkLoop,
} from '../platform';
import { SubscriptionsModule } from '../subscriptions';
import { topics } from '../transport';
import { resourceChange } from './resource-change';
import { ResourceChangeStore } from './resource-change.store';
import { ResourceChanges } from './resource-changes';
import { ResourceChangesController } from './resource-changes.controller';

const CONSUMER = Symbol('CONSUMER');
const SWEEPER = Symbol('SWEEPER');

/**
 * How long a repeat is known as one (decided): longer than the topic keeps a record and the dead letters keep it after that, seven
 * days each, and than any sender goes on trying.
 */
const rememberedForMs = 30 * 24 * 60 * 60 * 1_000;
const sweepEveryMs = 10 * 60 * 1_000;

/** Both doors for resource changes. */
@Module({})
export class ResourceChangesModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(CONSUMER) private readonly consumer: RecordConsumer,
    @Inject(SWEEPER) private readonly sweeper: WorkLoop,
    readiness: Readiness,
  ) {
    readiness.add('resource_changes', () => {
      const check = consumer.check();
      return check.status === 'ok' ? loopCheck(sweeper.state()) : check;
    });
  }

  static with({ personKey, personKeyPrevious }: { personKey: Buffer; personKeyPrevious?: Buffer }): DynamicModule {
    return {
      module: ResourceChangesModule,
      imports: [ClientsModule, DeliveriesModule, SubscriptionsModule, PersonsModule.with(personKey, personKeyPrevious)],
      controllers: [ResourceChangesController],
      providers: [
        {
          provide: ResourceChangeStore,
          inject: [Database],
          useFactory: (database: Database) => new ResourceChangeStore(database),
        },
        {
          provide: SWEEPER,
          inject: [ResourceChangeStore, Clock, LOGGER],
          useFactory: (store: ResourceChangeStore, clock: Clock, log: Logger) =>
            forgettingLoop({
              name: 'resource-changes',
              forget: (before, limit) => store.forget(before, limit),
              keptMs: rememberedForMs,
              everyMs: sweepEveryMs,
              clock,
              log,
            }),
        },
        {
          provide: ResourceChanges,
          inject: [
            ListStore,
            SuspendedClients,
            PersonIdentities,
            KnownPersons,
            RequestFingerprint,
            QueryBus,
            ResourceChangeStore,
            DeliveryStore,
            PLANNED,
            Clock,
            LOGGER,
          ],
          useFactory: (
            lists: ListStore,
            suspendedClients: SuspendedClients,
            identities: PersonIdentities,
            persons: KnownPersons,
            fingerprints: RequestFingerprint,
            queryBus: QueryBus,
            store: ResourceChangeStore,
            deliveries: DeliveryStore,
            planned: Signal,
            clock: Clock,
            log: Logger,
          ) =>
            new ResourceChanges({
              lists,
              suspendedClients,
              identities,
              persons,
              fingerprints,
              queryBus,
              store,
              deliveries,
              planned,
              clock,
              log,
            }),
        },
        {
          provide: CONSUMER,
          inject: [IncomingRecords, ResourceChanges],
          useFactory: (records: IncomingRecords, changes: ResourceChanges) =>
            records.consumer({
              group: 'medmij-subscriptions.resource-changes',
              topic: topics.resourceChanges.name,
              type: 'nl.medmij.resource.changed.v1',
              accept: async (data, trace) => {
                await changes.accept(parse(resourceChange, data), trace);
                return { recorded: false };
              },
            }),
        },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.consumer.start();
    this.sweeper.start();
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all([this.consumer.stop(), this.sweeper.stop()]);
  }
}
