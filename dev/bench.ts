import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { type BenchOptions, readOptions } from '../bench/options';
import { writePerformancePage } from '../bench/performance-page';
import { compile, isCompiled } from './compile';
import { kafkaVersion } from './embedded/kafka-jars';
import { Problem, Stopped } from './problem';
import { projectRoot } from './project';
import { stopSignal } from './stop-signal';
import { beginRun, endRun, startServers, temporaryFolder, type ThrowawayServers } from './throwaway-run';

/**
 * Of a PostgreSQL that was made for its work: its own 128 MB hold none of the indexes that the larger figures are about, and 1 GB of
 * log is written out again and again. Both sides of each figure have the same.
 */
const postgresSettings = { shared_buffers: '2GB', max_wal_size: '4GB' };

/**
 * `npm run bench [-- name ...]`: each benchmark in a process of its own, on servers of the run's own, then the page that
 * shows them. Exit code 1 when a benchmark failed or found something lost or out of order; a goal that is missed is said
 * and no failure.
 */
async function main(): Promise<void> {
  const signal = stopSignal();
  let runDirectory: string | undefined;
  let servers: ThrowawayServers | undefined;
  try {
    const options = readOptions(process.argv.slice(2));
    if (!isCompiled()) await compile(signal);
    runDirectory = await beginRun();
    servers = await startServers(runDirectory, signal, postgresSettings);
    const environment = {
      ...process.env,
      ...servers.environment,
      TMPDIR: temporaryFolder(runDirectory),
      ...(servers.environment.KAFKA_BROKERS !== undefined && { BENCH_KAFKA_VERSION: kafkaVersion() }),
    };
    for (const name of options.names) {
      if (!(await runOne([name, ...argumentsOf(options)], environment, signal))) process.exitCode = 1;
    }
    if (options.out === undefined) writePerformancePage();
  } catch (error) {
    if (!(error instanceof Stopped)) console.error(error instanceof Problem ? error.message : error);
    process.exitCode = 1;
  } finally {
    await servers?.stop();
    if (runDirectory !== undefined) await endRun(runDirectory);
  }
}

function argumentsOf({ seconds, rounds, events, rebuild, notifications, backlog, sizes, out }: BenchOptions): string[] {
  const given = {
    seconds,
    rounds,
    events,
    rebuild,
    notifications,
    backlog,
    sizes: sizes.join(','),
    ...(out !== undefined && { out: resolve(out) }),
  };
  return Object.entries(given).map(([name, value]) => `--${name}=${value}`);
}

/** Whether it ended well. */
async function runOne(args: string[], environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) throw new Stopped();
  const child = spawn(process.execPath, ['--require', 'tsx/cjs', 'bench/run-one.ts', ...args], {
    cwd: projectRoot,
    env: environment,
    // Ctrl-C is for us alone.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const end = () => child.kill('SIGKILL');
  signal.addEventListener('abort', end, { once: true });
  try {
    const code = await new Promise<number | null>((done, failed) => {
      child.once('error', failed);
      child.once('exit', done);
    });
    if (signal.aborted) throw new Stopped();
    return code === 0;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

void main();
