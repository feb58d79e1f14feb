import { parentPort, workerData } from 'node:worker_threads';
import { parsers } from './list-parsers';
import { ListRefused } from './list-refused';
import type { ListReading } from './list-values';
import type { ParsedLists } from './lists';

export interface ParsingTask {
  name: keyof ParsedLists;
  bytes: Uint8Array;
  reading: ListReading;
}

/** What the thread says: why the list is refused, or its header and then, each time it is asked, some entries; none at the end. */
export type ParsingAnswer =
  | { kind: 'refused'; line: number | null; reason: string }
  | { kind: 'header'; header: object; isMap: boolean }
  | { kind: 'entries'; entries: (string | [string, unknown])[] };

/** Entries in one piece: some 2 ms of providers with three services each to read on the other side. */
const pieceMax = 100;

/** Parses one list and hands it over. What is no refusal ends the thread, and its owner is told. */
async function run({ name, bytes, reading }: ParsingTask): Promise<void> {
  const say = (message: ParsingAnswer) => parentPort!.postMessage(message);
  try {
    const { entries, ...header } = await parsers[name](bytes, reading);
    const all: ParsingAnswer & { kind: 'entries' } = { kind: 'entries', entries: entriesOf(entries) };
    let handedOver = 0;
    parentPort!.on('message', () => {
      say({ kind: 'entries', entries: all.entries.slice(handedOver, handedOver + pieceMax) });
      handedOver += pieceMax;
    });
    say({ kind: 'header', header, isMap: entries instanceof Map });
  } catch (error) {
    if (!(error instanceof ListRefused)) throw error;
    say({ kind: 'refused', line: error.line, reason: error.reason });
  }
}

function entriesOf(entries: ReadonlyMap<string, unknown> | ReadonlySet<string>): (string | [string, unknown])[] {
  return entries instanceof Map ? [...(entries as Map<string, unknown>)] : [...(entries as ReadonlySet<string>)];
}

void run(workerData as ParsingTask);
