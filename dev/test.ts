import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  chmodSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { startKafka } from './embedded/kafka';
import { startPostgres } from './embedded/postgres';
import { Problem, Stopped } from './problem';
import { findProcess, isRunning, type ProcessIdentity } from './processes/identity';
import { endProcessGroup, endTestProcesses, forgetTestProcess, rememberTestProcess } from './processes/test-registry';
import { cacheDirectory, projectRoot } from './project';
import { stopSignal } from './stop-signal';
import { testSummary, type JestResult } from './test-summary';

/**
 * `npm test`: jest over everything, against real servers on free ports with data that goes away afterwards.
 * `npm run test:rules`: only the tests that need no server.
 */
const runPrefix = `medmij-subscriptions-test-${userInfo().uid}-`;

interface Servers {
  readonly environment: Record<string, string>;
  stop(): Promise<void>;
}

async function main(): Promise<void> {
  const passedOn = process.argv.slice(2).filter((argument) => argument !== '--rules');
  const rulesOnly = passedOn.length < process.argv.length - 2;
  const signal = stopSignal();

  await removeAbandonedRuns();
  const runDirectory = makeRunDirectory();
  process.env.TEST_RUN_DIR = runDirectory;
  let servers: Servers | undefined;
  let result: JestResult | undefined;
  try {
    servers = rulesOnly ? undefined : await startServers(runDirectory, signal);
    result = await runJest(passedOn, rulesOnly, runDirectory, servers?.environment ?? {}, signal);
  } catch (error) {
    if (!(error instanceof Stopped)) console.error(error instanceof Problem ? error.message : error);
  } finally {
    await servers?.stop();
    const left = await endTestProcesses(runDirectory);
    if (left > 0) console.error(`${left} server(s) that tests had started and not stopped were ended.`);
    remove(runDirectory);
  }
  if (signal.aborted) console.error('The tests were stopped before their end.');
  const { line, passed } = testSummary(result);
  process.exitCode = passed && !signal.aborted ? 0 : 1;
  process.stdout.write(`${line}\n`);
}

/** Named so that a later run recognises what a killed one left, and open enough for PostgreSQL's own user to pass. */
function makeRunDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), runPrefix));
  chmodSync(directory, 0o711);
  const { pid, startedAt } = findProcess(process.pid)!;
  writeFileSync(join(directory, 'owner.json'), JSON.stringify({ pid, startedAt } satisfies ProcessIdentity));
  return directory;
}

async function removeAbandonedRuns(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(runPrefix))) {
    const directory = join(tmpdir(), name);
    if (isInUse(directory)) continue;
    await endTestProcesses(directory);
    remove(directory);
  }
}

function isInUse(directory: string): boolean {
  const ownerFile = join(directory, 'owner.json');
  // Just being made, unless its maker was killed at that moment or somebody else has half removed it.
  if (!existsSync(ownerFile)) return Date.now() - statSync(directory).mtimeMs < 60_000;
  return isRunning(JSON.parse(readFileSync(ownerFile, 'utf8')) as ProcessIdentity);
}

/** What cannot be removed now, because something still writes there, is removed by the next run. */
function remove(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  } catch (error) {
    console.error(`${directory} could not be removed: ${(error as Error).message}`);
  }
}

async function startServers(runDirectory: string, signal: AbortSignal): Promise<Servers> {
  const say = (line: string) => console.error(line);
  const dataDir = join(runDirectory, 'data');
  mkdirSync(dataDir);
  const [postgres, kafka] = await Promise.allSettled([
    process.env.DATABASE_URL ? undefined : startPostgres({ dataDir, signal, say }),
    process.env.KAFKA_BROKERS ? undefined : startKafka({ dataDir, signal, say }),
  ]);
  const stop = async () => {
    const [database, broker] = [postgres, kafka].map((start) =>
      start.status === 'fulfilled' ? start.value : undefined,
    );
    await broker?.stop();
    await database?.stop();
    // As root the database may lie outside the run's directory.
    if (database && 'directory' in database) rmSync(database.directory, { recursive: true, force: true });
  };
  if (postgres.status === 'rejected' || kafka.status === 'rejected') {
    await stop();
    throw [postgres, kafka].find((start) => start.status === 'rejected')!.reason;
  }
  return {
    environment: {
      ...(postgres.value ? { DATABASE_URL: postgres.value.url } : {}),
      ...(kafka.value ? { KAFKA_BROKERS: kafka.value.brokers } : {}),
    },
    stop,
  };
}

async function runJest(
  passedOn: readonly string[],
  rulesOnly: boolean,
  runDirectory: string,
  environment: Record<string, string>,
  signal: AbortSignal,
): Promise<JestResult | undefined> {
  const output = join(runDirectory, 'result.json');
  const args = ['--experimental-vm-modules', '--no-warnings', join(projectRoot, 'node_modules/jest/bin/jest.js')];
  if (rulesOnly) args.push('--roots', join(projectRoot, 'src'), join(projectRoot, 'dev'));
  // Kept between runs, unlike everything else jest would put in the temporary folder.
  args.push(`--cacheDirectory=${join(cacheDirectory, 'jest')}`);
  args.push('--json', `--outputFile=${output}`, ...passedOn);
  // What tests leave in the temporary folder, as when they are broken off, goes away with the run.
  const temporary = join(runDirectory, 'tmp');
  mkdirSync(temporary);
  chmodSync(temporary, 0o711);
  const jest = spawn(process.execPath, args, {
    cwd: projectRoot,
    env: { ...process.env, ...environment, TMPDIR: temporary },
    // Ctrl-C is for us alone: jest's workers would outlive it and go on.
    detached: true,
    // With --json jest prints its report for people on stderr and the JSON on stdout as well.
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const leader = jest.pid ? findProcess(jest.pid) : undefined;
  // Killed ourselves, we leave jest behind: it must be known to the next run.
  if (leader) rememberTestProcess({ ...leader, leadsGroup: true });
  const end = () => leader && endProcessGroup(leader);
  signal.addEventListener('abort', end, { once: true });
  const code = await new Promise<number | null>((done, failed) => {
    jest.once('error', failed);
    jest.once('exit', done);
  });
  if (leader) forgetTestProcess(leader);
  if (!existsSync(output)) return undefined;
  return { ...(JSON.parse(readFileSync(output, 'utf8')) as Omit<JestResult, 'exitCode'>), exitCode: code ?? 1 };
}

void main();
