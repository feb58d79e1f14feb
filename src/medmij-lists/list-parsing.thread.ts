import { parentPort, workerData } from 'node:worker_threads';
import { parseByEntry } from './list-parser';
import { parsers } from './list-parsers';
import { ListRefused } from './list-refused';
import type { ListHeader, ListReading } from './list-values';
import type { ParsedLists } from './lists';

export interface ParsingTask {
  name: keyof ParsedLists;
  bytes: Uint8Array;
  reading: ListReading;
  /** Shared: how many pieces are handed over and not yet taken. */
  waiting: Int32Array<SharedArrayBuffer>;
}

/** What the thread says: the header, pieces of entries, and the end; or, at any moment, why the list is refused. */
export type ParsingAnswer =
  | { kind: 'refused'; line: number | null; reason: string }
  | { kind: 'header'; header: ListHeader }
  | { kind: 'entries'; entries: [key: string, value: unknown][] }
  | { kind: 'end' };

/** Entries in one piece: some 2 ms of providers with three services each to read on the other side. */
const pieceMax = 100;
/** Pieces that may wait to be taken; read in one go they hold the event loop up for some 8 ms. */
const waitingMax = 4;

const say = (message: ParsingAnswer) => parentPort!.postMessage(message);

/** Parses one list and hands it over while it does. What is no refusal ends the thread, and its owner is told. */
async function run({ name, bytes, reading, waiting }: ParsingTask): Promise<void> {
  try {
    await parseByEntry<unknown, void>(parsers[name], bytes, reading, (header, entries) => {
      say({ kind: 'header', header });
      for (const piece of inPieces(entries)) handOver(piece, waiting);
    });
    say({ kind: 'end' });
  } catch (error) {
    if (!(error instanceof ListRefused)) throw error;
    say({ kind: 'refused', line: error.line, reason: error.reason });
  }
}

function handOver(entries: [string, unknown][], waiting: Int32Array<SharedArrayBuffer>): void {
  for (;;) {
    const now = Atomics.load(waiting, 0);
    if (now < waitingMax) break;
    Atomics.wait(waiting, 0, now);
  }
  Atomics.add(waiting, 0, 1);
  say({ kind: 'entries', entries });
}

function* inPieces<Entry>(entries: Iterable<Entry>): Generator<Entry[]> {
  let piece: Entry[] = [];
  for (const entry of entries) {
    piece.push(entry);
    if (piece.length < pieceMax) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}

void run(workerData as ParsingTask);
