import { spawn } from 'node:child_process';
import { Stopped } from '../problem';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
  readonly signal?: AbortSignal;
  readonly onLine?: (line: string) => void;
}

const keptOutputLimit = 200_000;

/**
 * Runs a program to its end and gives its exit code and what it printed; never rejects for a bad exit code. In a process
 * group of its own, so that Ctrl-C comes to us alone and we end it through the signal.
 * @throws Stopped after the program has ended, when the signal was given
 */
export async function runToEnd(command: string, args: readonly string[], options: RunOptions = {}) {
  if (options.signal?.aborted) throw new Stopped();
  const { cwd, env, uid, gid } = options;
  const child = spawn(command, args, { cwd, env, uid, gid, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = () => {
    // The whole group: mvn and npx are scripts around the program that does the work.
    if (child.pid) process.kill(-child.pid, 'SIGTERM');
  };
  options.signal?.addEventListener('abort', stop, { once: true });
  let output = '';
  let unfinishedLine = '';
  const take = (text: string) => {
    output = (output + text).slice(-keptOutputLimit);
    const lines = (unfinishedLine + text).split(/\r?\n/);
    unfinishedLine = lines.pop() ?? '';
    if (options.onLine) lines.forEach(options.onLine);
  };
  child.stdout.setEncoding('utf8').on('data', take);
  child.stderr.setEncoding('utf8').on('data', take);
  try {
    const code = await new Promise<number | null>((done, failed) => {
      child.once('error', failed);
      child.once('close', done);
    });
    if (options.signal?.aborted) throw new Stopped();
    return { code, output };
  } finally {
    options.signal?.removeEventListener('abort', stop);
  }
}

/** Whether a program can be started at all. */
export async function isInstalled(command: string, ...args: string[]): Promise<boolean> {
  try {
    return (await runToEnd(command, args)).code === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
