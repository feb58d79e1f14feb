/** Milliseconds. */
export interface LatencySummary {
  readonly p50: number;
  readonly p99: number;
  readonly p99_9: number;
}

export function summarize(latenciesMs: readonly number[]): LatencySummary {
  const sorted = Float64Array.from(latenciesMs).sort();
  return { p50: at(sorted, 0.5), p99: at(sorted, 0.99), p99_9: at(sorted, 0.999) };
}

export function median(values: readonly number[]): number {
  return at(Float64Array.from(values).sort(), 0.5);
}

/** Nearest rank: a value that was really measured. */
function at(sorted: Float64Array, part: number): number {
  if (sorted.length === 0) throw new Error('There is nothing to take a percentile of.');
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)]!;
}
