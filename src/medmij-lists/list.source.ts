import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { listBytesMax } from './list-document';
import { ListRefused } from './list-refused';

/** Reads a list where it is published: its bytes, or `unchanged` since the last call. @throws ListRefused */
export type ListSource = (url: URL) => Promise<'unchanged' | Uint8Array>;

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
