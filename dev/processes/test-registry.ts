import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endProcess, isRunning, type ProcessIdentity } from './identity';

/**
 * Tests start servers of their own, and a test run may be broken off at any moment. Below a test run
 * (TEST_RUN_DIR, set by dev/test.ts) every started server is written down, so that the run can end what is left.
 */
const registryFolder = () => (process.env.TEST_RUN_DIR ? join(process.env.TEST_RUN_DIR, 'processes') : undefined);

export function rememberTestProcess(identity: ProcessIdentity): void {
  const folder = registryFolder();
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${identity.pid}.json`), JSON.stringify(identity));
}

export function forgetTestProcess(identity: ProcessIdentity): void {
  const folder = registryFolder();
  if (folder) rmSync(join(folder, `${identity.pid}.json`), { force: true });
}

/** Ends what a test run left behind; gives how many there were. */
export async function endTestProcesses(runDirectory: string): Promise<number> {
  const folder = join(runDirectory, 'processes');
  let files: string[] = [];
  try {
    files = readdirSync(folder);
  } catch {
    return 0;
  }
  const left = files
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as ProcessIdentity)
    .filter(isRunning);
  await Promise.all(left.map((identity) => endProcess(identity, 'SIGTERM', 10_000)));
  return left.length;
}
