import { join } from 'node:path';
import { projectRoot } from '../dev/project';
import { append } from './append.bench';
import { backlog } from './backlog.bench';
import type { Benchmark } from './benchmark';
import { deadline } from './deadline.bench';
import { deliver } from './deliver.bench';
import { fdatasyncCostMs } from './fdatasync';
import { growth } from './growth.bench';
import { idle } from './idle.bench';
import { intake } from './intake.bench';
import { lists } from './lists.bench';
import { machineFacts } from './machine';
import { type BenchmarkName, readOptions } from './options';
import { project } from './project.bench';
import { recover } from './recover.bench';
import { relay } from './relay.bench';
import { reportOf } from './report';
import { resultOf, writeResult } from './results';
import { tracing } from './tracing.bench';

const benchmarks: Record<BenchmarkName, Benchmark> = {
  append,
  intake,
  relay,
  project,
  deliver,
  deadline,
  recover,
  backlog,
  growth,
  idle,
  lists,
  tracing,
};

/** One benchmark in a process of its own, so that its memory and its compiled code are not those of the one before. */
async function main(): Promise<boolean> {
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
  return outcome.faults.length === 0;
}

// A benchmark that fails leaves connections and processes behind that would keep this one alive for ever.
main().then(
  (isRight) => process.exit(isRight ? 0 : 1),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
