import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { somePerson } from '../support/app';
import { eventually } from '../support/eventually';
import { seededRandom } from '../support/random';
import { expectNothingLost, grantedRecord, Load, type ServiceProcess, Surroundings } from './service-process';

const incoming = 'medmij.authorizations.v1';
const seed = Number(process.env.CRASH_SEED ?? randomInt(1_000_000));

describe(`a process that is killed under load, again and again (CRASH_SEED=${seed})`, () => {
  let world: Surroundings;
  let service: ServiceProcess;
  beforeAll(async () => {
    world = await Surroundings.make();
    service = await world.process();
    await service.start();
    await eventually(async () => {
      const ready = await fetch(`${service.baseUrl}/health/ready`);
      expect(((await ready.json()) as { status: string }).status).toBe('ok');
    }, 25_000);
    await world.otherSide.follow('medmij.subscriptions.v1', 'medmij.dead-letters.v1');
  }, 120_000);
  afterAll(async () => {
    await service.kill();
    await world.remove();
  });

  it('has lost nothing of what it acknowledged, and done nothing twice', async () => {
    const random = seededRandom(seed);
    const load = new Load(world.token, random, () => service.baseUrl);
    load.start(8);
    const sent: (ReturnType<typeof grantedRecord> & { isGood: boolean })[] = [];
    const sendSome = async () => {
      const records = Array.from({ length: 40 }, () => {
        const isGood = random() < 0.8;
        return { ...grantedRecord(somePerson(), isGood), isGood };
      });
      await world.otherSide.send(incoming, ...records.map(({ key, value, headers }) => ({ key, value, headers })));
      sent.push(...records);
    };

    for (let kill = 0; kill < 3; kill += 1) {
      const before = load.acknowledged.length;
      await sendSome();
      await eventually(() => expect(load.acknowledged.length).toBeGreaterThan(before + 50), 30_000);
      await sendSome();
      await new Promise((resolve) => setTimeout(resolve, random() * 400)); // the random moment
      await service.kill();
      await service.start();
    }
    await sendSome();
    const before = load.acknowledged.length;
    await eventually(() => expect(load.acknowledged.length).toBeGreaterThan(before + 50), 30_000);
    await load.stop();
    expect(load.attempts.some(({ error }) => error !== undefined)).toBe(true);

    // Every record that was sent is applied once or a dead letter, and no record is both.
    const good = sent.filter(({ isGood }) => isGood).map(({ id }) => id);
    const bad = sent.filter(({ isGood }) => !isGood).map(({ id }) => id);
    const applied = () =>
      world.rows<{ id: string; count: number }>(
        `select data ->> 'authorization_id' as id, count(*)::integer as count from event
         where data ->> 'authorization_id' = any ($1) group by 1`,
        [sent.map(({ id }) => id)],
      );
    await eventually(async () => expect(await applied()).toHaveLength(good.length), 40_000);
    const counts = await applied();
    expect(new Set(counts.map(({ id }) => id))).toEqual(new Set(good));
    expect(counts.filter(({ count }) => count !== 1)).toEqual([]);
    // A record may be buried once more by whoever takes over; its place says that it is the same one.
    const letters = () => world.otherSide.seen.filter(({ topic }) => topic === 'medmij.dead-letters.v1');
    await eventually(
      () => expect(new Set(letters().map(({ headers }) => headers.ce_id))).toEqual(new Set(bad)),
      40_000,
    );
    const places = letters().map(({ headers }) =>
      ['partition', 'offset'].map((name) => headers[`x-dead-letter-${name}`]).join(' '),
    );
    expect(new Set(places).size).toBe(bad.length);

    await expectNothingLost(world, load.acknowledged);
  }, 180_000);
});
