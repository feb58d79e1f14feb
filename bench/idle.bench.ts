import { setTimeout as pause } from 'node:timers/promises';
import { createDatabase } from '../test/support/database';
import type { Benchmark } from './benchmark';
import { median } from './latency';
import { ServiceProcess, serviceEnvironment } from './service-process';

const startsMax = 3;
/** Ten times a round: the processor time of a process that does nothing is small and comes in steps. */
const roundsLong = 10;
/** What starting has left to do. */
const settleMs = 3_000;

/** The whole service with nothing to do, and how soon it is there. */
export const idle: Benchmark = {
  name: 'idle',
  title: 'Every role in one process, with nothing to do',
  async run({ options: { seconds, rounds }, databaseUrl, brokers, say }) {
    const database = await createDatabase(databaseUrl);
    const env = serviceEnvironment(database.url, brokers);
    // Once to make the topics, which happens once in the life of a cluster.
    await (await ServiceProcess.start(env)).stop();
    const readyMs: number[] = [];
    let service = await ServiceProcess.start(env);
    for (;;) {
      readyMs.push(service.readyAfterMs);
      say(`ready after ${Math.round(service.readyAfterMs)} ms`);
      if (readyMs.length >= Math.min(rounds, startsMax)) break;
      await service.stop();
      service = await ServiceProcess.start(env);
    }
    await pause(settleMs);
    const { usage } = await service.watch(() => pause(seconds * roundsLong * 1e3));
    await service.stop();
    await database.drop();
    const ready = median(readyMs) / 1e3;
    return {
      measurements: [
        { name: 'processor, of one core', unit: '%', value: usage.cores * 100 },
        { name: 'memory, at most', unit: 'MiB', value: usage.rssPeakMiB },
        { name: 'ready after its start', unit: 's', value: ready },
      ],
      goals: [
        { text: 'processor, of one core', value: usage.cores * 100, relation: 'at most', limit: 6, unit: '%' },
        { text: 'ready after its start', value: ready, relation: 'at most', limit: 3, unit: 's' },
      ],
      usage,
      checked: { starts: readyMs.length },
      faults: [],
    };
  },
};
