import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { listBytesMax } from './list-document';
import { ListRefused } from './list-refused';

/** Reads a list where it is published: its bytes, or `unchanged` since the last call. @throws ListRefused */
export type ListSource = (url: URL) => Promise<'unchanged' | Uint8Array>;

/** How a kind of URL is read, and how long to wait between two checks, in milliseconds. */
export interface SourceKind {
  open(): ListSource;
  checkEveryMs: number;
}

const kinds: Record<string, SourceKind | undefined> = {
  // A look at a file's status costs some microseconds, so an edited list is there within a second.
  'file:': { open: fileSource, checkEveryMs: 1000 },
};

/** @throws Error when nothing here can read this kind of URL */
export function sourceKindOf(url: URL): SourceKind {
  const kind = kinds[url.protocol];
  if (!kind) throw new Error(`Lists are read from file: URLs only so far; ${url.protocol} URLs are not supported yet.`);
  return kind;
}

/** Reads a file again when its inode, size or time of change differs from when it was read last. */
export function fileSource(): ListSource {
  let lastSeen: string | undefined;
  return async (url) => {
    try {
      const file = await open(fileURLToPath(url), 'r');
      try {
        const { ino, size, mtimeNs } = await file.stat({ bigint: true });
        const seen = `${ino} ${size} ${mtimeNs}`;
        if (seen === lastSeen) return 'unchanged';
        // Before reading: what is written meanwhile looks different at the next check.
        lastSeen = seen;
        if (size > listBytesMax) throw new ListRefused(null, `bigger than ${listBytesMax} bytes`);
        return await file.readFile();
      } finally {
        await file.close();
      }
    } catch (error) {
      if (error instanceof ListRefused) throw error;
      // Forgotten, so that the same file is read again when it comes back.
      lastSeen = undefined;
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
      throw new ListRefused(null, `the file cannot be read (${code})`, { cause: error });
    }
  };
}
