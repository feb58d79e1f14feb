import { parseArgs } from 'node:util';
import { Problem } from '../dev/problem';

/** In the order in which they run. */
export const benchmarkNames = [
  'append',
  'intake',
  'relay',
  'project',
  'deliver',
  'deadline',
  'recover',
  'backlog',
  'growth',
  'idle',
  'lists',
  'tracing',
] as const;
export type BenchmarkName = (typeof benchmarkNames)[number];

export interface BenchOptions {
  readonly names: readonly BenchmarkName[];
  /** How long one round of one side is measured. */
  readonly seconds: number;
  /** Rounds of each side, taken in turns; the medians count. */
  readonly rounds: number;
  /** Events of a backlog: what is relayed or projected in one round. */
  readonly events: number;
  /** Events in the log that `project` reads anew beside the live view. */
  readonly rebuild: number;
  /** Notifications that `deliver` sends in one round. */
  readonly notifications: number;
  /** Due deliveries and unread events of `backlog`. */
  readonly backlog: number;
  /** Subscriptions in the databases that `growth` compares, the smallest first. */
  readonly sizes: readonly number[];
  /** Where results go instead of bench/results; docs/performance.md is then left alone. */
  readonly out?: string;
}

const usage = `npm run bench -- [${benchmarkNames.join('|')} ...] [--seconds 3] [--rounds 5] [--events 30000] [--rebuild 1000000] [--notifications 6000] [--backlog 1000000] [--sizes 10000,1000000] [--full] [--out <folder>]`;

/** @throws Problem with the usage */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parse(args);
  const names = positionals.map((name) => {
    const known = benchmarkNames.find((candidate) => candidate === name);
    if (!known) throw new Problem(`There is no benchmark ${name}.\n${usage}`);
    return known;
  });
  return {
    names: names.length > 0 ? names : benchmarkNames,
    seconds: positive('seconds', values.seconds ?? '3'),
    rounds: whole('rounds', values.rounds ?? '5'),
    events: whole('events', values.events ?? '30000'),
    rebuild: whole('rebuild', values.rebuild ?? '1000000'),
    notifications: whole('notifications', values.notifications ?? '6000'),
    backlog: whole('backlog', values.backlog ?? '1000000'),
    sizes: values.sizes
      ? values.sizes.split(',').map((size) => whole('sizes', size))
      : [10_000, 1_000_000, ...(values.full ? [5_000_000] : [])],
    ...(values.out !== undefined && { out: values.out }),
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seconds: text,
        rounds: text,
        events: text,
        rebuild: text,
        notifications: text,
        backlog: text,
        sizes: text,
        out: text,
        full: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new Problem(`${(error as Error).message}\n${usage}`, { cause: error });
  }
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (!(number > 0 && number < 1e9)) throw new Problem(`--${name} must be a number above 0.\n${usage}`);
  return number;
}

function whole(name: string, text: string): number {
  const number = positive(name, text);
  if (!Number.isInteger(number)) throw new Problem(`--${name} must be a whole number.\n${usage}`);
  return number;
}
