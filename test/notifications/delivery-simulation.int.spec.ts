import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Database } from '../../src/platform';
import { createDatabase, type TestDatabase } from '../support/database';
import { judge, storyOf } from './simulation/delivery-oracle';
import { DeliverySimulation } from './simulation/delivery-simulation';

/** Named ones, so that a change is judged by itself; SIMULATION_SEED takes any other, to look further or to have a run again. */
const seeds = process.env.SIMULATION_SEED ? [Number(process.env.SIMULATION_SEED)] : [1, 2];

/** With what happened to the subscription each is about. */
const faultsShown = 5;

describe('the delivery engine on a virtual clock', () => {
  let database: TestDatabase;
  let db: Database;
  beforeEach(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
  });
  afterEach(async () => {
    await db.close();
    await database.drop();
  });

  it.each(seeds)(
    'tells every client that comes back within 45 minutes everything within the hour, in order, whoever is killed meanwhile (SIMULATION_SEED=%d)',
    async (seed) => {
      const simulation = new DeliverySimulation(db, { seed, endpointsEach: 1, subscriptionsEach: 6, workers: 3 });
      const { ledger, lastedS, steps } = await simulation.run();
      const { faults, inTime, late } = await judge(ledger, db);
      const story = faults.slice(0, faultsShown).flatMap((fault) => [fault, ...storyOf(fault, ledger)]);
      expect({ seed, story }).toEqual({ seed, story: [] });
      expect({ late, isLong: lastedS > 14 * 86_400, steps: steps > 100, due: inTime > 100 }).toEqual({
        late: 0,
        isLong: true,
        steps: true,
        due: true,
      });
      // What is judged must have happened: else the plan, and not the engine, is what passed.
      expect(ledger.orphans).toBeGreaterThan(0);
      expect(ledger.silencedS.size).toBeGreaterThan(0);
    },
    120_000,
  );
});
