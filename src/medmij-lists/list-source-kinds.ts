import { httpsSource, type ListTlsFiles } from './list.client';
import { fileSource, type ListSource } from './list.source';

/** How a kind of URL is read. */
export interface SourceKind {
  open(): ListSource;
  /** The pause before the next check, in milliseconds. */
  pauseMs(wentWell: boolean): number;
  /** Whether a good copy is kept for the next start: a publisher can be away then. */
  keepsCopies: boolean;
}

/** Between two fetches over the network: at least every 900 s (domain.md 9), the processes of an installation not together. */
const fetchEveryMs = { min: 600_000, max: 840_000 };
/** After a fetch that gave nothing. */
const fetchAgainMs = { min: 30_000, max: 60_000 };

/** @throws Error when nothing here can read this kind of URL */
export function sourceKindOf(url: URL, tlsFiles: ListTlsFiles): SourceKind {
  switch (url.protocol) {
    case 'file:':
      // A look at a file's status costs some microseconds, so an edited list is there within a second.
      return { open: fileSource, pauseMs: () => 1000, keepsCopies: false };
    case 'https:':
      return {
        open: () => httpsSource(tlsFiles),
        pauseMs: (wentWell) => between(wentWell ? fetchEveryMs : fetchAgainMs),
        keepsCopies: true,
      };
    default:
      throw new Error(`Lists are read from file: and https: URLs, not from ${url.protocol} ones.`);
  }
}

function between({ min, max }: { min: number; max: number }): number {
  return min + Math.random() * (max - min);
}
