import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What goes out under a path. */
export interface PageFile {
  readonly content: Buffer;
  readonly type: string;
  /** A page of its own, not a part of one. */
  readonly isPage: boolean;
}

const folder = join(__dirname, 'page');
const pages = new Map([
  ['/', 'index.html'],
  ['/opening', 'opening.html'],
  ['/finished', 'finished.html'],
]);
const partPattern = /^\/([a-z-]+\.(?:css|js))$/;
const types: Record<string, string> = { html: 'text/html', css: 'text/css', js: 'text/javascript' };

/** Read at every request, so that a change shows at the next reload: no build, no restart. */
export function pageFile(path: string): PageFile | undefined {
  const name = pages.get(path) ?? partPattern.exec(path)?.[1];
  if (name === undefined) return undefined;
  try {
    const type = `${types[name.split('.')[1]!]}; charset=utf-8`;
    return { content: readFileSync(join(folder, name)), type, isPage: pages.has(path) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
