import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventStore, type StoredEvent } from '../../src/event-store';
import { Database, Signal } from '../../src/platform';
import { type Marked, LogCheck } from '../event-store/log-check';
import { authorizedRequest } from '../support/app';
import { eventually } from '../support/eventually';
import { FaultCluster } from './fault-cluster';
import { KafkaSide } from './kafka-side';
import type { ServiceProcess } from './service-process';
import { Surroundings } from './surroundings';

/** An hour of a busy day: 20 events a second. */
const streams = 18_000;
const eventsAStream = 4;
const appendsAtOnce = 500;
const commands = 50;
/** design.md 4, `backlog`: of one process. */
const memoryMaxMiB = 300;
/** Two pages of the relay may have been on their way when the broker went. */
const repeatsMax = 1_000;

describe('a broker that is away for an hour', () => {
  let cluster: FaultCluster;
  let world: Surroundings;
  let kafka: KafkaSide;
  let service: ServiceProcess;
  let database: Database;
  const check = new LogCheck();
  let mark = 0;

  beforeAll(async () => {
    cluster = await FaultCluster.start();
    world = await Surroundings.make({ cluster: cluster.databaseUrl, brokers: cluster.brokers });
    kafka = new KafkaSide(world.brokers, world.topicPrefix);
    service = await world.process('service', { ROLES: 'api,relay' });
    await service.start();
    database = await Database.connect(world.database.url);
    await eventually(async () => expect((await health()).status).toBe('ok'));
  }, 180_000);
  afterAll(async () => {
    await database?.close();
    await service?.kill();
    await kafka?.close();
    await world?.remove();
    await cluster?.remove();
  });

  const health = async () =>
    (await (await fetch(`${service.baseUrl}/health/ready`)).json()) as {
      status: string;
      checks: Record<string, { status: string }>;
    };
  const figure = async (name: string) => {
    const text = await (await fetch(`${service.baseUrl}/metrics`)).text();
    return Number(new RegExp(`^medmij_${name} (\\S+)`, 'm').exec(text)?.[1]);
  };
  const memoryMiB = async () => (await figure('process_resident_memory_bytes')) / 2 ** 20;

  /** One command after the other; what each took. */
  const askFor = async (count: number): Promise<number[]> => {
    const tookMs: number[] = [];
    for (let n = 0; n < count; n += 1) {
      const startedMs = performance.now();
      const { status } = await fetch(`${service.baseUrl}/authorizations`, {
        method: 'POST',
        headers: { authorization: `Bearer ${world.token}`, 'content-type': 'application/json' },
        body: JSON.stringify(authorizedRequest()),
      });
      expect(status).toBe(201);
      tookMs.push(performance.now() - startedMs);
    }
    return tookMs.sort((a, b) => a - b);
  };

  /** What other processes append meanwhile, through the same function. */
  const anHourOfEvents = async () => {
    const store = new EventStore(database, 'main', new Signal());
    const ids = Array.from({ length: streams }, () => randomUUID());
    for (let version = 0; version < eventsAStream; version += 1) {
      for (let from = 0; from < streams; from += appendsAtOnce) {
        const requests = ids.slice(from, from + appendsAtOnce).map((streamId) => {
          mark += 1;
          check.commit(mark);
          const facts = [{ type: 'marked', data: { mark, subscription_id: `${streamId}.1` } }];
          const trace = { correlation_id: 'outage', causation_id: 'outage' };
          return { streamId, expectedVersion: version, facts, dueOn: null, trace, occurredAt: new Date() };
        });
        const results = await store.append(requests);
        expect(results.filter(({ outcome }) => outcome !== 'appended')).toEqual([]);
      }
    }
  };

  let before: number[];
  let memoryPeakMiB = 0;

  it('does not stop commands, and is said in readiness', async () => {
    before = await askFor(commands);
    await cluster.stopBroker('kill -9');
    const during = await askFor(commands);
    // Of the same service a moment ago, in the middle: room enough for a machine with more to do than this.
    expect(during[commands / 2]!).toBeLessThan(5 * before[commands / 2]! + 20);
    await eventually(async () => {
      const { status, checks } = await health();
      expect([status, checks.relay?.status]).toEqual(['degraded', 'degraded']);
    });
    expect((await fetch(`${service.baseUrl}/health/ready`)).status).toBe(200);
  });

  it('leaves a backlog in the log and none in the memory of the process', async () => {
    await anHourOfEvents();
    await askFor(commands);
    expect(await figure('relay_lag_events')).toBeGreaterThanOrEqual(mark + 2 * commands);
    memoryPeakMiB = Math.max(memoryPeakMiB, await memoryMiB());
    expect(memoryPeakMiB).toBeLessThan(memoryMaxMiB);
  }, 120_000);

  it('gets everything in order when it is back, and hardly anything twice', async () => {
    await cluster.startBroker();
    await eventually(async () => {
      memoryPeakMiB = Math.max(memoryPeakMiB, await memoryMiB());
      expect(await figure('relay_lag_events')).toBe(0);
    }, 120_000);
    expect(memoryPeakMiB).toBeLessThan(memoryMaxMiB);
    await eventually(async () => expect((await health()).status).toBe('ok'));

    const known = new Set<string>();
    let [place, repeats, started] = [0, 0, 0];
    await kafka.readAll('medmij.subscriptions.v1', ({ key, headers, value }) => {
      const id = headers.ce_id!;
      if (known.has(id)) {
        repeats += 1;
        return;
      }
      known.add(id);
      place += 1;
      if (headers.ce_type !== 'marked') {
        started += 1;
        return;
      }
      check.see([
        {
          type: 'marked',
          data: JSON.parse(value),
          stream_id: key,
          version: Number(headers.ce_streamversion),
          // Kafka has an order within a partition only, so the place of a record is when it came.
          position: { epoch: 0, xid: '0', pos: String(place) },
        } as StoredEvent<Marked>,
      ]);
    });
    expect(check.faults()).toEqual([]);
    expect(check.seenCount()).toBe(streams * eventsAStream);
    expect(started).toBe(3 * commands);
    expect(repeats).toBeLessThanOrEqual(repeatsMax);
  }, 240_000);
});
