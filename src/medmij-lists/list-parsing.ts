import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { parseWhole, type WholeList } from './list-parser';
import { parsers } from './list-parsers';
import type { ParsingAnswer, ParsingTask } from './list-parsing.thread';
import { ListRefused } from './list-refused';
import type { ListHeader, ListReading } from './list-values';
import type { ParsedLists } from './lists';

/** Parsed where it stands up to this size: some 5 ms. A bigger one goes to a thread, for libxml2's own parse is one step. */
const inlineBytesMax = 256 * 1024;
/** A list that takes longer is refused, and its thread ended. */
const threadMsMax = 60_000;
const threadHeapMb = 1_024;

/**
 * A list as plain data. Requests go on meanwhile: a big one is parsed in a thread and comes back in small pieces (18 MB:
 * `npm run bench -- lists`).
 * @throws ListRefused
 */
export function parseList<Name extends keyof ParsedLists>(
  name: Name,
  bytes: Uint8Array,
  reading: ListReading,
): Promise<ParsedLists[Name]> {
  if (bytes.length > inlineBytesMax) return parseInThread(name, bytes, reading);
  return parseWhole<unknown>(parsers[name], bytes, reading) as Promise<ParsedLists[Name]>;
}

async function parseInThread<Name extends keyof ParsedLists>(
  name: Name,
  bytes: Uint8Array,
  reading: ListReading,
): Promise<ParsedLists[Name]> {
  const waiting = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const own = extname(__filename);
  const thread = new Worker(join(__dirname, `list-parsing.thread${own}`), {
    workerData: { name, bytes, reading, waiting } satisfies ParsingTask,
    // The compiled service needs nothing; tests and development run from the sources.
    execArgv: own === '.ts' ? ['--require', 'tsx/cjs'] : [],
    resourceLimits: { maxOldGenerationSizeMb: threadHeapMb },
  });
  const timer = setTimeout(() => void thread.terminate(), threadMsMax);
  try {
    return (await assemble(thread, waiting)) as ParsedLists[Name];
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}

/** Takes the pieces as they come. The thread waits when too many stand in the queue: requests want their turn too. */
function assemble(thread: Worker, waiting: Int32Array<SharedArrayBuffer>): Promise<WholeList<unknown>> {
  return new Promise((resolve, reject) => {
    const entries = new Map<string, unknown>();
    let header: ListHeader;
    thread.on('message', (answer: ParsingAnswer) => {
      switch (answer.kind) {
        case 'header':
          header = answer.header;
          break;
        case 'entries':
          for (const [key, value] of answer.entries) entries.set(key, value);
          Atomics.sub(waiting, 0, 1);
          Atomics.notify(waiting, 0);
          break;
        case 'end':
          resolve({ ...header, entries });
          break;
        case 'refused':
          reject(new ListRefused(answer.line, answer.reason));
      }
    });
    thread.on('error', (cause: Error) => reject(new ListRefused(null, 'it could not be parsed', { cause })));
    thread.on('exit', () => reject(new ListRefused(null, 'it took too long to parse')));
  });
}
