import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { endProcess, findProcess, isRunning, whenGone, type ProcessIdentity } from './identity';
import { forgetTestProcess, rememberTestProcess } from './test-registry';

export interface ServerProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
  /** What it prints is appended here; without a file it goes to the console. */
  readonly logFile?: string;
  /** Keeps its id and start, so that a later run finds it when this one is killed. */
  readonly recordFile?: string;
  /** Goes into the record: what a later run must know to use or judge what it finds. */
  readonly details?: Record<string, unknown>;
}

export interface ServerProcess {
  readonly identity: ProcessIdentity;
  /** Resolves when it ended, asked or not. */
  readonly exited: Promise<void>;
  isRunning(): boolean;
  stop(signal: NodeJS.Signals, patienceMs: number): Promise<void>;
}

/** Starts a server in a session of its own: Ctrl-C reaches only us, and we stop our servers in order. */
export function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { command, args, cwd, env, uid, gid, logFile, recordFile } = options;
  if (logFile) mkdirSync(dirname(logFile), { recursive: true });
  const log = logFile ? openSync(logFile, 'a', 0o600) : 'inherit';
  const child = spawn(command, args, { cwd, env, uid, gid, detached: true, stdio: ['ignore', log, log] });
  if (typeof log === 'number') closeSync(log);
  return new Promise((started, failed) => {
    child.once('error', failed);
    child.once('spawn', () => {
      const pid = child.pid!;
      const identity = { pid, startedAt: findProcess(pid)?.startedAt ?? 'ended at once' };
      if (recordFile) writeRecord(recordFile, { ...identity, ...options.details });
      rememberTestProcess(identity);
      const exited = new Promise<void>((gone) => {
        const ended = () => {
          if (recordFile) rmSync(recordFile, { force: true });
          forgetTestProcess(identity);
          gone();
        };
        if (child.exitCode !== null || child.signalCode !== null) ended();
        else child.once('exit', ended);
      });
      started({
        identity,
        exited,
        isRunning: () => child.exitCode === null && child.signalCode === null,
        stop: (signal, patienceMs) => stop(identity, exited, signal, patienceMs),
      });
    });
  });
}

async function stop(identity: ProcessIdentity, exited: Promise<void>, signal: NodeJS.Signals, patienceMs: number) {
  await endProcess(identity, signal, patienceMs);
  await exited;
}

/** A server that an earlier, killed run left behind, taken over as it is. */
export function adoptServerProcess(identity: ProcessIdentity, recordFile?: string): ServerProcess {
  rememberTestProcess(identity);
  return {
    identity,
    exited: whenGone(identity),
    isRunning: () => isRunning(identity),
    async stop(signal, patienceMs) {
      await endProcess(identity, signal, patienceMs);
      if (recordFile) rmSync(recordFile, { force: true });
      forgetTestProcess(identity);
    },
  };
}

export type ProcessRecord = ProcessIdentity & Record<string, unknown>;

function writeRecord(file: string, record: ProcessRecord): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(record));
  renameSync(`${file}.new`, file);
}

/**
 * The process an earlier run recorded, when it still runs and its command line holds the mark that only ours has.
 * Everything else is left alone.
 */
export function findLeftBehind(recordFile: string, mark: string): ProcessRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(recordFile, 'utf8')) as ProcessRecord;
    const running = findProcess(record.pid);
    return running?.startedAt === record.startedAt && running.command.includes(mark) ? record : undefined;
  } catch {
    return undefined;
  }
}
