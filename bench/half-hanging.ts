import type { Goal, Measurement } from './benchmark';
import { summarize } from './latency';
import { changesPerSecond, NotifiedWorld } from './notified-world';

/** Not counted: connections are made, code is compiled, and the first calls to the hanging ones take their whole time. */
const warmUpS = 12;

interface Surroundings {
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
  readonly seconds: number;
  readonly rounds: number;
  say(line: string): void;
}

interface Found {
  readonly measurements: readonly Measurement[];
  readonly goals: readonly Goal[];
  readonly checked: number;
  readonly faults: readonly string[];
}

/** The same pace twice, in turns: where every client answers, and where every other one takes what it gets and never answers. */
export async function halfHanging({ seconds, rounds, say, ...servers }: Surroundings): Promise<Found> {
  const worlds = [await NotifiedWorld.start(servers, false), await NotifiedWorld.start(servers, true)];
  const latenciesMs: number[][] = [[], []];
  for (const world of worlds) await world.latenciesMs(warmUpS);
  for (let round = 0; round < rounds; round += 1)
    for (const [index, world] of worlds.entries()) latenciesMs[index]!.push(...(await world.latenciesMs(seconds)));
  const [well, beside] = [summarize(latenciesMs[0]!), summarize(latenciesMs[1]!)];
  say(`healthy p99 ${well.p99.toFixed(1)} ms, ${beside.p99.toFixed(1)} ms beside hanging ones`);
  const faults: string[] = [];
  for (const world of worlds) faults.push(...(await world.end()));
  const value = changesPerSecond / 2;
  const unit = 'notifications/s';
  return {
    measurements: [
      { name: `commit to client at ${changesPerSecond}/s`, unit, value, latencyMs: well },
      { name: 'the same, half of the clients hanging', unit, value, latencyMs: beside },
    ],
    goals: [
      {
        text: 'healthy p99 beside hanging clients, as a multiple',
        value: beside.p99 / well.p99,
        relation: 'at most',
        limit: 1.2,
        unit: '',
      },
    ],
    checked: worlds.reduce((sum, { seen }) => sum + seen, 0),
    faults,
  };
}
