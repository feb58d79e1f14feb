import { setTimeout as pause } from 'node:timers/promises';
import type { Benchmark, Goal, Measurement } from './benchmark';
import type { Load } from './closed-loop';
import { inTurns } from './rounds';
import { UsageMeter } from './usage';
import { WaitingWorld } from './waiting-world';

const memoryMiB = 300;
const partAtLeast = 0.8;

/** Readers of the log, by the role that runs each. */
const readers = [
  { role: 'relay', name: 'relay' },
  { role: 'projector', name: 'projection:subscriptions:0' },
  { role: 'delivery', name: 'planner' },
] as const;

/** The same work with little waiting and with very much, in turns, in processes of one role each; then all of it in one process. */
export const backlog: Benchmark = {
  name: 'backlog',
  title: 'With a long queue and an unread log',
  async run({ options: { seconds, rounds, events, backlog: size }, say, ...servers }) {
    const few = await WaitingWorld.start(servers, 0);
    const many = await WaitingWorld.start(servers, size);
    const waiting = size.toLocaleString('en');
    say(`${waiting} events are unread, and as many notifications due`);

    const rates: Measurement[] = [];
    const compare = async (name: string, work: (world: WaitingWorld) => Promise<Load>) => {
      const bare = { name: 'with few', run: () => work(few) };
      const sides = { name: `${name}, with ${waiting} waiting`, unit: '/s', ours: () => work(many), bare };
      const measured = await inTurns(rounds, new UsageMeter(), sides);
      say(`${measured.name}: ${measured.ratio!.toFixed(2)} of the rate with few`);
      rates.push(measured);
    };
    for (const { role, name } of readers) await compare(name, (world) => world.reading(role, name, events));
    await compare('delivery', (world) => world.delivering(events));
    const usage = await many.everyRole(() => pause(seconds * rounds * 1e3));
    const arrived = few.arrived + many.arrived;
    const faults = [...(await few.end()), ...(await many.end())];
    const memories = [
      ...Array.from(few.usage, ([name, { rssPeakMiB }]) => ({ name: `memory: ${name}, few waiting`, rssPeakMiB })),
      ...Array.from(many.usage, ([name, { rssPeakMiB }]) => ({ name: `memory: ${name}, many waiting`, rssPeakMiB })),
    ];
    return {
      measurements: [
        ...rates,
        ...memories.map(({ name, rssPeakMiB: value }): Measurement => ({ name, unit: 'MiB', value })),
      ],
      goals: [
        ...rates.map(({ name, ratio }): Goal => ({
          text: `${name}, part of the rate with few`,
          value: ratio!,
          relation: 'at least',
          limit: partAtLeast,
          unit: '',
        })),
        {
          text: 'memory of a process',
          value: Math.max(...memories.map(({ rssPeakMiB }) => rssPeakMiB)),
          relation: 'at most',
          limit: memoryMiB,
          unit: 'MiB',
        },
      ],
      usage,
      checked: { notifications: arrived, unread: size, due: size },
      faults,
    };
  },
};
