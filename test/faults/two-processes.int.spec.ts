import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually';
import { HistoryCheck } from './checks/history-check';
import { readHistory } from './history-reader';
import { KafkaSide } from './kafka-side';
import { placeWitness } from './log-witness';
import { RequestLoad } from './request-load';
import type { ServiceProcess } from './service-process';
import { settled } from './settling';
import { Surroundings } from './surroundings';

const readers = ['planner', 'projection:subscriptions:0', 'relay'];
const seed = randomInt(1_000_000);

/** What becomes of them when they are killed or frozen, the fault suite shows. */
describe(`two processes with all roles on one database (seed ${seed})`, () => {
  let world: Surroundings;
  let kafka: KafkaSide;
  let first: ServiceProcess;
  let second: ServiceProcess;
  let load: RequestLoad;
  /** Where the load goes; both, unless one is down. */
  let doors: ServiceProcess[] = [];
  beforeAll(async () => {
    world = await Surroundings.make();
    await placeWitness(world);
    kafka = new KafkaSide(world.brokers, world.topicPrefix);
    [first, second] = await Promise.all([world.process('first'), world.process('second')]);
    await first.start();
    await eventually(() => expect(first.tookOver().sort()).toEqual(readers));
    await second.start();
    doors = [first, second];
    let turn = 0;
    const door = () => doors[(turn += 1) % doors.length]!.baseUrl;
    load = new RequestLoad({ seed, token: world.token, door, persons: 100, thinkMs: 20 });
  }, 120_000);
  afterAll(async () => {
    await load.stop();
    await Promise.all([first.kill(), second.kill(), kafka.close()]);
    await world.remove();
  });

  const more = async (count: number) => {
    const before = load.acknowledged.length;
    await eventually(() => expect(load.acknowledged.length).toBeGreaterThan(before + count), 30_000);
  };
  const holders = () =>
    world.rows<{ name: string; owner: string; fence: string }>(
      `select name, owner, fence::text as fence from log_reader where name = any ($1) and lease_until > clock_timestamp()
       order by name`,
      [readers],
    );

  it('let relay, projector and planner run in one of them at a time', async () => {
    const before = await holders();
    load.start(6);
    await more(200);
    expect(await holders()).toEqual(before);
    expect(before.map(({ name }) => name)).toEqual(readers);
    expect(second.tookOver()).toEqual([]);
  });

  it('finish what one that is asked to stop has in hand, and its work goes on at the other at once', async () => {
    const stopping = first.stop();
    const askedMs = performance.now();
    doors = [second];
    expect(await stopping).toBe(0);
    const stoppedMs = performance.now();
    expect(first.lines().some((line) => line.includes('service.stopped'))).toBe(true);
    // Every request that was under way when it was asked was answered, and answered well.
    const underWay = load.attempts.filter(({ startedMs }) => startedMs < askedMs).slice(-30);
    await eventually(() => {
      for (const attempt of underWay) expect(attempt.status ?? attempt.error).toBeDefined();
    });
    expect(underWay.filter(({ status }) => ![200, 201, 422].includes(status ?? 0))).toEqual([]);
    // Given back, not run out.
    await eventually(() => expect(second.tookOver().sort()).toEqual(readers), 5_000);
    expect(stoppedMs - askedMs).toBeLessThan(15_000);
    await more(50);
  });

  it('have lost nothing, published and told nothing twice or out of order', async () => {
    await load.stop();
    expect(await settled(world, kafka, load, 30_000)).toEqual([]);
    const check = new HistoryCheck();
    await readHistory(world, kafka, load, check);
    // Nobody was killed: nothing was in flight when the readers changed hands.
    const limits = { page: 0, tries: 1, brokerFaults: 0 };
    expect(check.violations(limits).list).toEqual([]);
    expect(check.told.counts.repeats).toBe(0);
    // Nobody was told of a failure of ours.
    expect(load.unexpected).toEqual([]);
  }, 120_000);
});
