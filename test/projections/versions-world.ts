import { randomUUID } from 'node:crypto';
import { CheckpointStore, EventStore, LogAccess, LogReader, ParkedStreamStore } from '../../src/event-store';
import { createLogger, Database, Signal } from '../../src/platform';
import { ProjectionOperations, ProjectionWait, SubscriptionViewStore } from '../../src/projections';
import { ProjectionStore } from '../../src/projections/projection.store';
import { ProjectionCheck } from '../../src/projections/projection-check';
import { ProjectionVersions } from '../../src/projections/projection-versions';
import { type SubscriptionEvent, upcast } from '../../src/subscriptions';
import { TestClock } from '../support/clock';

export type ReaderOf = new (database: Database, logName: string) => LogReader;

/** One process with the role, as far as projections go: its own connections, its own view of everything. */
export class ProjectorProcess {
  private constructor(
    readonly database: Database,
    readonly access: LogAccess,
    readonly views: SubscriptionViewStore,
    readonly store: ProjectionStore,
    readonly parked: ParkedStreamStore,
    readonly check: ProjectionCheck,
    readonly versions: ProjectionVersions,
    readonly operations: ProjectionOperations,
    readonly wait: ProjectionWait,
    readonly lines: Record<string, unknown>[],
  ) {}

  static async start(url: string, Reader: ReaderOf = LogReader): Promise<ProjectorProcess> {
    const database = await Database.connect(url);
    const lines: Record<string, unknown>[] = [];
    const log = createLogger('info', {
      write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>),
    });
    const reader = new Reader(database, 'main');
    const access = new LogAccess(database, reader, new CheckpointStore(database, 'main'), new Signal(), log, upcast);
    const [views, store, moved, asked] = [
      new SubscriptionViewStore(database),
      new ProjectionStore(database, reader),
      new Signal(),
      new Signal(),
    ];
    const check = new ProjectionCheck(access, store, views);
    const versions = new ProjectionVersions(access, store, views, moved, asked);
    versions.start();
    return new ProjectorProcess(
      database,
      access,
      views,
      store,
      new ParkedStreamStore(database, 'main'),
      check,
      versions,
      new ProjectionOperations(access, store, check, new TestClock(), asked),
      new ProjectionWait(store, moved),
      lines,
    );
  }

  async stop(): Promise<void> {
    await this.versions.stop();
    await this.database.close();
  }
}

/** Who writes: subscriptions begin and are adjusted. */
export class SubscriptionWriter {
  private readonly eventStore: EventStore;
  private readonly versionOf = new Map<string, number>();

  constructor(database: Database) {
    this.eventStore = new EventStore(database, 'main', new Signal());
  }

  /** Begins subscriptions, one stream each, in one commit. */
  async begin(count: number, clientId: string): Promise<{ ids: string[]; position: string }> {
    const streams = Array.from({ length: count }, () => randomUUID());
    const position = await this.append(streams, (streamId) => ({
      type: 'nl.medmij.subscription.started.v1',
      data: dataOf(streamId, clientId, '2099-01-01'),
    }));
    return { ids: streams.map((streamId) => `${streamId}.1`), position };
  }

  /** Gives subscriptions another end date, in one commit. */
  async adjust(ids: readonly string[], clientId: string, endDate: string): Promise<string> {
    return this.append(
      ids.map((id) => id.split('.')[0]!),
      (streamId) => ({
        type: 'nl.medmij.subscription.adjusted.v1',
        data: { ...dataOf(streamId, clientId, endDate), previous_end_date: '2099-01-01' },
      }),
    );
  }

  private async append(streams: readonly string[], fact: (streamId: string) => SubscriptionEvent): Promise<string> {
    const results = await this.eventStore.append(
      streams.map((streamId) => ({
        streamId,
        expectedVersion: this.versionOf.get(streamId) ?? 0,
        facts: [fact(streamId)],
        dueOn: null,
        trace: { correlation_id: 'c', causation_id: 'c' },
        occurredAt: new Date(),
      })),
    );
    let last = '';
    for (const [index, result] of results.entries()) {
      if (result.outcome === 'conflict') throw new Error(`conflict: ${result.cause}`);
      const streamId = streams[index]!;
      this.versionOf.set(streamId, (this.versionOf.get(streamId) ?? 0) + 1);
      if (result.position > last) last = result.position;
    }
    return last;
  }
}

function dataOf(streamId: string, clientId: string, endDate: string) {
  return {
    subscription_id: `${streamId}.1`,
    client_id: clientId,
    provider: 'aanbieder',
    service_id: '42',
    person_id: streamId,
    end_date: endDate,
    interface_version: '3.0.0',
  };
}
