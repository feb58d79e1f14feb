import { Database } from '../src/platform';
import { judge, type Verdicts } from '../test/notifications/simulation/delivery-oracle';
import { DeliverySimulation, type Simulated } from '../test/notifications/simulation/delivery-simulation';
import { createDatabase } from '../test/support/database';
import type { Benchmark } from './benchmark';
import { UsageMeter } from './usage';

/** Each round is a run of its own, seeded by its number. */
const simulation = { endpointsEach: 3, subscriptionsEach: 12, workers: 3 };

/** Clients that are away for 45 minutes, or for ever, on a virtual clock. */
export const deadline: Benchmark = {
  name: 'deadline',
  title: 'Endpoints that are out of order for 45 minutes, on a virtual clock',
  async run({ options: { rounds }, databaseUrl, say }) {
    const meter = new UsageMeter();
    const runs: (Simulated & Verdicts & { seed: number })[] = [];
    await meter.watch(async () => {
      for (let seed = 1; seed <= rounds; seed += 1) {
        runs.push({ seed, ...(await simulate(databaseUrl, seed)) });
        say(`seed ${seed}: ${runs.at(-1)!.inTime} in time, ${runs.at(-1)!.late} late`);
      }
    });
    const sum = (of: (run: (typeof runs)[number]) => number) => runs.reduce((total, run) => total + of(run), 0);
    const [inTime, late] = [sum((run) => run.inTime), sum((run) => run.late)];
    const part = (inTime / (inTime + late)) * 100;
    return {
      measurements: [
        { name: 'within the hour, of what was due', unit: '%', value: part },
        { name: 'virtual time of each run', unit: 'days', value: runs[0]!.lastedS / 86_400 },
        { name: 'calls under way at a kill or freeze', unit: 'calls', value: sum((run) => run.ledger.orphans) },
        { name: 'notifications that came twice', unit: 'of all', value: sum((run) => run.duplicates) },
      ],
      goals: [{ text: 'within the hour, of what was due', value: part, relation: 'at least', limit: 100, unit: '%' }],
      usage: meter.usage(),
      checked: { runs: runs.length, due: inTime + late, calls: sum((run) => run.ledger.requests.length) },
      faults: runs.flatMap(({ seed, faults }) => faults.map((fault) => `seed ${seed}: ${fault}`)),
    };
  },
};

async function simulate(databaseUrl: string, seed: number): Promise<Simulated & Verdicts> {
  const own = await createDatabase(databaseUrl);
  const database = await Database.connect(own.url);
  try {
    const simulated = await new DeliverySimulation(database, { ...simulation, seed }).run();
    return { ...simulated, ...(await judge(simulated.ledger, database)) };
  } finally {
    await database.close();
    await own.drop();
  }
}
