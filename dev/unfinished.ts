import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { findProcess } from './processes/identity';

const prefixOf = (path: string) => `${basename(path)}.unfinished-`;

/** A name to make something under before it is renamed into place, so that nobody ever sees it half-made. */
export function unfinishedName(path: string): string {
  removeUnfinished(path);
  return join(dirname(path), `${prefixOf(path)}${process.pid}`);
}

/** What processes that are gone left under such names. */
export function removeUnfinished(path: string): void {
  const prefix = prefixOf(path);
  for (const name of readdirSync(dirname(path)).filter((entry) => entry.startsWith(prefix))) {
    const maker = Number(name.slice(prefix.length));
    if (maker !== process.pid && findProcess(maker)) continue;
    rmSync(join(dirname(path), name), { recursive: true, force: true });
  }
}
