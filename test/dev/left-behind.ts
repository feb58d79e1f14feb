import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const projectRoot = resolve(__dirname, '../..');

/** A data directory that PostgreSQL's own user can pass when root runs the tests. */
export function temporaryDataDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'embedded-'));
  chmodSync(directory, 0o711);
  return directory;
}

/** Starts a server in a process that is then killed the hard way, and gives the id of the server left behind. */
export async function leaveBehind(call: 'postgres' | 'kafka', dataDir: string, port: number): Promise<number> {
  const start = call === 'postgres' ? 'startPostgres' : 'startKafka';
  const script = `
    require(${JSON.stringify(join(projectRoot, 'dev/embedded', call))})
      .${start}(${JSON.stringify({ dataDir, port })})
      .then(({ pid }) => { console.log(pid); process.kill(process.pid, 'SIGKILL'); });`;
  const parent = spawn(process.execPath, ['--require', 'tsx/cjs', '-e', script], {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  parent.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  await new Promise((ended) => parent.once('exit', ended));
  const pid = Number(printed.trim());
  if (!pid) throw new Error(`the ${call} to leave behind did not start: ${printed}`);
  return pid;
}
