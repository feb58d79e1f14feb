import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface PageFile {
  content: Buffer;
  type: string;
}

const types: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

/** The page as it was built (pages/build.mjs), read once: a handful of files. None where it was not built. */
export class PageFiles {
  private readonly files = new Map<string, PageFile>();

  constructor(folder: string) {
    for (const name of filesIn(folder)) {
      const type = types[name.split('.').at(-1)!];
      if (type !== undefined) this.files.set(name, { content: readFileSync(join(folder, name)), type });
    }
  }

  find(name: string): PageFile | undefined {
    return this.files.get(name);
  }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
