import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from './problem';
import { findProcess, isRunning, type ProcessIdentity } from './processes/identity';

/**
 * Two `npm start` over one data directory would take each other's servers for left-behind ones.
 * Gives the function that ends the claim.
 * @throws Problem when another one runs
 */
export function claimDataDirectory(dataDir: string): () => void {
  const folder = join(dataDir, 'run');
  const file = join(folder, 'start.json');
  mkdirSync(folder, { recursive: true });
  const { pid, startedAt } = findProcess(process.pid)!;
  for (;;) {
    try {
      writeFileSync(file, JSON.stringify({ pid, startedAt } satisfies ProcessIdentity), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = readHolder(file);
    if (holder && isRunning(holder)) {
      throw new Problem(
        `npm start already runs with the data in ${dataDir} (process ${holder.pid}): end that one first, or set DATA_DIR and the ports to others.`,
      );
    }
    rmSync(file, { force: true });
  }
}

function readHolder(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}
