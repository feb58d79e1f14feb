import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
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
import { findProcess, isRunning, type ProcessIdentity } from './processes/identity';
import { endTestProcesses } from './processes/test-registry';

/** A run of the tests or the benchmarks: a directory whose every server and file goes away with it. */
const runPrefix = `medmij-subscriptions-test-${userInfo().uid}-`;

export interface ThrowawayServers {
  readonly environment: Record<string, string>;
  stop(): Promise<void>;
}

/** Makes the directory of this run, after removing what killed runs left behind; servers started from now on belong to it. */
export async function beginRun(): Promise<string> {
  await removeAbandonedRuns();
  const runDirectory = makeRunDirectory();
  process.env.TEST_RUN_DIR = runDirectory;
  return runDirectory;
}

/** Ends what was started and not stopped, and removes the directory. */
export async function endRun(runDirectory: string): Promise<void> {
  const left = await endTestProcesses(runDirectory);
  if (left > 0) console.error(`${left} server(s) that had been started and not stopped were ended.`);
  remove(runDirectory);
}

/** A temporary folder below the run's directory, open enough for PostgreSQL's own user to pass. */
export function temporaryFolder(runDirectory: string): string {
  const temporary = join(runDirectory, 'tmp');
  mkdirSync(temporary);
  chmodSync(temporary, 0o711);
  return temporary;
}

/** PostgreSQL, with these settings over the defaults, and Kafka on free ports, unless DATABASE_URL and KAFKA_BROKERS name others. */
export async function startServers(
  runDirectory: string,
  signal: AbortSignal,
  settings: Record<string, string> = {},
): Promise<ThrowawayServers> {
  const say = (line: string) => console.error(line);
  const dataDir = join(runDirectory, 'data');
  mkdirSync(dataDir);
  const [postgres, kafka] = await Promise.allSettled([
    process.env.DATABASE_URL ? undefined : startPostgres({ dataDir, settings, signal, say }),
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
