import { extname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { ParsingAnswer, ParsingTask } from './list-parsing.thread';
import { parsers } from './list-parsers';
import { ListRefused } from './list-refused';
import type { ListReading } from './list-values';
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
  return bytes.length <= inlineBytesMax ? parsers[name](bytes, reading) : parseInThread(name, bytes, reading);
}

async function parseInThread<Name extends keyof ParsedLists>(
  name: Name,
  bytes: Uint8Array,
  reading: ListReading,
): Promise<ParsedLists[Name]> {
  const own = extname(__filename);
  const thread = new Worker(join(__dirname, `list-parsing.thread${own}`), {
    workerData: { name, bytes, reading } satisfies ParsingTask,
    // The compiled service needs nothing; tests and development run from the sources.
    execArgv: own === '.ts' ? ['--require', 'tsx/cjs'] : [],
    resourceLimits: { maxOldGenerationSizeMb: threadHeapMb },
  });
  const timer = setTimeout(() => void thread.terminate(), threadMsMax);
  try {
    return (await assemble(thread)) as ParsedLists[Name];
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}

/** Piece after piece, each asked for by itself: all at once would stand in the way of requests for longer than the parse. */
async function assemble(thread: Worker): Promise<object> {
  const first = await answer(thread);
  if (first.kind === 'refused') throw new ListRefused(first.line, first.reason);
  if (first.kind !== 'header') throw new Error('The thread that parses lists spoke out of turn.');
  const map = new Map<string, unknown>();
  const set = new Set<string>();
  for (;;) {
    await nextTurn();
    thread.postMessage('next');
    const piece = await answer(thread);
    if (piece.kind !== 'entries') throw new Error('The thread that parses lists spoke out of turn.');
    if (piece.entries.length === 0) break;
    for (const entry of piece.entries) {
      if (typeof entry === 'string') set.add(entry);
      else map.set(...entry);
    }
  }
  return { ...first.header, entries: first.isMap ? map : set };
}

function answer(thread: Worker): Promise<ParsingAnswer> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      thread.off('message', onMessage).off('error', onError).off('exit', onExit);
      act();
    };
    const onMessage = (message: ParsingAnswer) => settle(() => resolve(message));
    const onError = (cause: Error) => settle(() => reject(new ListRefused(null, 'it could not be parsed', { cause })));
    const onExit = () => settle(() => reject(new ListRefused(null, 'it took too long to parse')));
    thread.on('message', onMessage).on('error', onError).on('exit', onExit);
  });
}
