import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually';
import { seededRandom } from '../support/random';
import { expectNothingLost, Load, type ServiceProcess, Surroundings } from './service-process';

const readers = ['planner', 'projection:subscriptions:0', 'relay'];

describe('two processes with all roles on one database', () => {
  let world: Surroundings;
  let first: ServiceProcess;
  let second: ServiceProcess;
  let load: Load;
  /** Where the load goes; both, unless one is down. */
  let doors: ServiceProcess[] = [];
  beforeAll(async () => {
    world = await Surroundings.make();
    [first, second] = await Promise.all([world.process(), world.process()]);
    await first.start();
    await eventually(() => expect(first.tookOver().sort()).toEqual(readers));
    await second.start();
    doors = [first, second];
    let turn = 0;
    load = new Load(world.token, seededRandom(7), () => doors[(turn += 1) % doors.length]!.baseUrl);
  }, 120_000);
  afterAll(async () => {
    await load.stop();
    await Promise.all([first.kill(), second.kill()]);
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
  /** All readers have come past everything that is acknowledged by now. */
  const caughtUp = () => {
    const positions = load.acknowledged.map(({ standing }) => standing.position).sort();
    return eventually(async () => {
      const behind = await world.rows(
        'select name from log_reader where name = any ($1) and log_position(epoch, xid, pos) < $2',
        [readers, positions.at(-1)],
      );
      expect(behind).toEqual([]);
    }, 20_000);
  };

  it('let relay, projector and planner run in one of them at a time', async () => {
    const before = await holders();
    load.start(6);
    await more(200);
    expect(await holders()).toEqual(before);
    expect(before.map(({ name }) => name)).toEqual(readers);
    expect(second.tookOver()).toEqual([]);
  });

  it('take over within a few seconds from one that is killed', async () => {
    await first.kill();
    const killedMs = performance.now();
    doors = [second];
    await eventually(() => expect(second.tookOver().sort()).toEqual(readers), 10_000);
    expect(performance.now() - killedMs).toBeLessThan(7_000);
    await more(100);
    await first.start();
    doors = [first, second];
    await more(100);
    expect(new Set(second.tookOver()).size).toBe(second.tookOver().length);
  }, 60_000);

  it('finish what one that is asked to stop has in hand, and its work goes on at the other at once', async () => {
    await more(50);
    const alreadyTaken = first.tookOver().length;
    const stopping = second.stop();
    const askedMs = performance.now();
    doors = [first];
    expect(await stopping).toBe(0);
    const stoppedMs = performance.now();
    expect(second.lines.some((line) => line.includes('service.stopped'))).toBe(true);
    // Every request that was under way when it was asked was answered, and answered well.
    const underWay = load.attempts.filter(({ startedMs }) => startedMs < askedMs).slice(-30);
    await eventually(() => {
      for (const attempt of underWay) expect(attempt.status ?? attempt.error).toBeDefined();
    });
    expect(underWay.filter(({ status }) => status !== 200 && status !== 201)).toEqual([]);
    // Given back, not run out.
    await eventually(() => expect(first.tookOver().slice(alreadyTaken).sort()).toEqual(readers), 5_000);
    expect(stoppedMs - askedMs).toBeLessThan(15_000);
    await more(50);
    // Nobody was told of a failure of ours.
    expect(load.attempts.filter(({ status }) => status !== undefined && status >= 500 && status !== 503)).toEqual([]);
  }, 60_000);

  it('go on by themselves after standing still for longer than a lease lasts', async () => {
    await first.freezeFor(5_500);
    await more(20);
    await caughtUp();
  }, 60_000);

  it('have lost nothing and published nothing out of order', async () => {
    await load.stop();
    await caughtUp();
    await world.otherSide.follow('medmij.subscriptions.v1');
    await expectNothingLost(world, load.acknowledged);
  }, 120_000);
});
