import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Goal, Measurement, Outcome } from './benchmark';
import { isMet } from './benchmark';
import type { Machine } from './machine';
import { type BenchmarkName, benchmarkNames, type BenchOptions } from './options';
import type { Usage } from './usage';

/** What a benchmark leaves in `<name>.json`. */
export interface Result {
  readonly name: BenchmarkName;
  readonly title: string;
  /** RFC 3339. */
  readonly date: string;
  readonly machine: Machine;
  readonly options: Pick<BenchOptions, 'seconds' | 'rounds' | 'events' | 'sizes'>;
  readonly measurements: readonly Measurement[];
  readonly goals: readonly (Goal & { readonly met: boolean })[];
  readonly usage: Usage;
  readonly checked: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
}

/** Faults named in a result; there may be as many as there are events. */
const faultsMax = 20;

export function resultOf(
  { name, title }: Pick<Result, 'name' | 'title'>,
  outcome: Outcome,
  machine: Machine,
  { seconds, rounds, events, sizes }: BenchOptions,
): Result {
  return {
    name,
    title,
    date: new Date().toISOString(),
    machine,
    options: { seconds, rounds, events, sizes },
    ...outcome,
    goals: outcome.goals.map((goal) => ({ ...goal, met: isMet(goal) })),
    faults: outcome.faults.slice(0, faultsMax),
  };
}

export function writeResult(folder: string, result: Result): void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${result.name}.json`);
  writeFileSync(`${file}.tmp`, `${JSON.stringify(result, readable, 2)}\n`);
  renameSync(`${file}.tmp`, file);
}

/** Those that are there, in the order in which they run. */
export function readResults(folder: string): Result[] {
  return benchmarkNames
    .map((name) => join(folder, `${name}.json`))
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')) as Result);
}

/** Four digits say all that a noisy machine can know. */
const readable = (_: string, value: unknown) =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
