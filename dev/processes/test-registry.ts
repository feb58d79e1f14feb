import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endProcess, findProcess, isRunning, type ProcessIdentity } from './identity';

/**
 * Tests start servers of their own, and a test run may be broken off at any moment. Below a test run
 * (TEST_RUN_DIR, set by dev/test.ts) every started server is written down, so that the run can end what is left.
 */
const registryFolder = () => (process.env.TEST_RUN_DIR ? join(process.env.TEST_RUN_DIR, 'processes') : undefined);

interface Remembered extends ProcessIdentity {
  /** It leads a process group whose members may outlive it, as jest's workers do. */
  readonly leadsGroup?: boolean;
}

export function rememberTestProcess(identity: Remembered): void {
  const folder = registryFolder();
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${identity.pid}.json`), JSON.stringify(identity));
}

export function forgetTestProcess(identity: ProcessIdentity): void {
  const folder = registryFolder();
  if (folder) rmSync(join(folder, `${identity.pid}.json`), { force: true });
}

/** Ends what a test run left behind, also what is started meanwhile; gives how many there were. */
export async function endTestProcesses(runDirectory: string): Promise<number> {
  const ended = new Set<number>();
  for (let round = 0; round < 5; round += 1) {
    const known = remembered(join(runDirectory, 'processes'));
    known.filter(({ leadsGroup }) => leadsGroup).forEach(endProcessGroup);
    const left = known.filter(isRunning);
    if (left.length === 0) break;
    await Promise.all(left.map((identity) => endProcess(identity, 'SIGTERM', 10_000)));
    left.forEach(({ pid }) => ended.add(pid));
  }
  return ended.size;
}

/** Its members as well; a group keeps its number from others as long as it has any. */
export function endProcessGroup(leader: ProcessIdentity): void {
  if (findProcess(leader.pid) && !isRunning(leader)) return; // another process has the number now, so the group is gone
  try {
    process.kill(-leader.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function remembered(folder: string): Remembered[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((file) => {
    try {
      return [JSON.parse(readFileSync(join(folder, file), 'utf8')) as Remembered];
    } catch {
      return []; // ended, or being written, this very moment
    }
  });
}
