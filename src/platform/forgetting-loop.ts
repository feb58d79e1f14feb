import type { Clock } from './clock';
import type { Logger } from './logger';
import { WorkLoop } from './work-loop';

/** Rows deleted in one step: no statement holds locks for long. */
const forgetMax = 1_000;

export interface Forgetting {
  name: string;
  /** Deletes up to `limit` rows older than `before`. Returns how many. */
  forget: (before: Date, limit: number) => Promise<number>;
  keptMs: number;
  /** Between two looks when there was nothing more. */
  everyMs: number;
  clock: Clock;
  log: Logger;
}

/** Deletes what is older than it may become. Needs no lease: several processes delete different rows or find none. */
export function forgettingLoop({ name, forget, keptMs, everyMs, clock, log }: Forgetting): WorkLoop {
  return new WorkLoop({
    name,
    step: async () => {
      const before = new Date(clock.now().getTime() - keptMs);
      return (await forget(before, forgetMax)) === forgetMax ? 'more' : 'idle';
    },
    idleMs: everyMs,
    log,
  });
}
