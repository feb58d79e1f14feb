import { join } from 'node:path';
import { runTool } from '../dev/problem';
import { projectRoot } from '../dev/project';
import { append } from './append.bench';
import type { Benchmark } from './benchmark';
import { fdatasyncCostMs } from './fdatasync';
import { machineFacts } from './machine';
import { type BenchmarkName, readOptions } from './options';
import { reportOf } from './report';
import { resultOf, writeResult } from './results';

const benchmarks: Record<BenchmarkName, Benchmark> = { append };

/** One benchmark in a process of its own, so that its memory and its compiled code are not those of the one before. */
async function main(): Promise<void> {
  const [name, ...rest] = process.argv.slice(2);
  const options = readOptions([name!, ...rest]);
  const benchmark = benchmarks[options.names[0]!];
  const databaseUrl = process.env.DATABASE_URL!;
  const fdatasyncMs = fdatasyncCostMs();
  const machine = await machineFacts(databaseUrl, process.env.BENCH_KAFKA_VERSION ?? 'unknown', fdatasyncMs);
  const outcome = await benchmark.run({
    options,
    databaseUrl,
    brokers: process.env.KAFKA_BROKERS!.split(','),
    fdatasyncMs,
    say: (line) => console.error(`  ${benchmark.name}: ${line}`),
  });
  const result = resultOf(benchmark, outcome, machine, options);
  writeResult(options.out ?? join(projectRoot, 'bench/results'), result);
  console.log(reportOf(result));
  if (outcome.faults.length > 0) process.exitCode = 1;
}

runTool(main);
