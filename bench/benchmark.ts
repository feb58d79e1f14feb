import type { LatencySummary } from './latency';
import type { BenchmarkName, BenchOptions } from './options';
import type { Usage } from './usage';

/** One benchmark: it measures, and checks what it made. */
export interface Benchmark {
  readonly name: BenchmarkName;
  /** What it is about, as a heading. */
  readonly title: string;
  run(context: BenchContext): Promise<Outcome>;
}

export interface BenchContext {
  readonly options: BenchOptions;
  /** The cluster's maintenance connection; databases are made beside it. */
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
  /** Milliseconds of one fdatasync on this machine. */
  readonly fdatasyncMs: number;
  /** A line of progress. */
  say(line: string): void;
}

/** One thing measured, beside the bound of the same rounds where there is one. */
export interface Measurement {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly bound?: { readonly name: string; readonly value: number; readonly latencyMs?: LatencySummary };
  /** Median over the rounds of value / bound: the machine's noise hits both sides of a round alike. */
  readonly ratio?: number;
  readonly latencyMs?: LatencySummary;
}

export interface Goal {
  readonly text: string;
  readonly value: number;
  readonly relation: 'at least' | 'at most';
  readonly limit: number;
  readonly unit: string;
}

export interface Outcome {
  readonly measurements: readonly Measurement[];
  readonly goals: readonly Goal[];
  /** CPU and memory of the process that did the work, over its rounds. */
  readonly usage: Usage;
  /** How much was checked for completeness and order. */
  readonly checked: Readonly<Record<string, number>>;
  /** What the check found: empty, or the benchmark has failed whatever its figures are. */
  readonly faults: readonly string[];
}

export const isMet = ({ value, relation, limit }: Goal) => (relation === 'at least' ? value >= limit : value <= limit);
