import type { Refused } from '../refusals';
import { type IncomingRecord, type OutgoingRecord, topics } from '../transport';

/** Below what a broker takes unless told otherwise (1 MiB). A record unpacked can be larger than it was on its way here. */
const wholeBytesMax = 900_000;
/** What is kept of the value and of the headers of a record that is larger. */
const partBytesMax = 64 * 1024;
/** kafkajs hashes a key in quadratic time: 4 KiB take it milliseconds, 300 KiB twenty seconds in which nothing else happens. */
const keyBytesMax = 4 * 1024;

/** What is added to a refused record. */
export const addedHeaders: ReadonlySet<string> = new Set(
  ['reason', 'detail', 'topic', 'partition', 'offset', 'cut'].map((name) => `x-dead-letter-${name}`),
);

/** Whether only the beginning of the record was kept. */
export function isCut({ headers }: Pick<OutgoingRecord, 'headers'>): boolean {
  return headers['x-dead-letter-cut'] !== undefined;
}

/**
 * A refused record as it goes to the dead letters (contract.md 5): key, value and headers whole, and why. Of one that no broker
 * would take back the beginning goes, and `x-dead-letter-cut` says how much there was: it would be tried for ever otherwise,
 * and its partition would stand still.
 */
export function deadLetterOf(record: IncomingRecord, { code, detail, faults }: Refused): OutgoingRecord {
  const named = faults.map(({ path, message }) => `${path}: ${message}`).join('; ');
  const { key, value, headers } = wholeOrCut(record);
  return {
    topic: topics.deadLetters.name,
    key,
    value,
    headers: {
      ...headers,
      'x-dead-letter-reason': code,
      'x-dead-letter-detail': named === '' ? detail : `${detail} ${named}`,
      'x-dead-letter-topic': record.topic,
      'x-dead-letter-partition': String(record.partition),
      'x-dead-letter-offset': record.offset,
    },
  };
}

function wholeOrCut({ key, value, headers }: IncomingRecord): Pick<OutgoingRecord, 'key' | 'value' | 'headers'> {
  const headerBytes = Object.entries(headers).reduce((sum, [name, given]) => sum + bytesOf(name) + bytesOf(given), 0);
  const bytes = bytesOf(key) + bytesOf(value) + headerBytes;
  if (bytes <= wholeBytesMax && bytesOf(key) <= keyBytesMax) return { key, value, headers };
  return {
    key: key?.subarray(0, keyBytesMax) ?? null,
    value: value?.subarray(0, partBytesMax) ?? null,
    headers: { ...(headerBytes <= partBytesMax && headers), 'x-dead-letter-cut': `from ${bytes} bytes` },
  };
}

function bytesOf(part: IncomingRecord['headers'][string] | null): number {
  if (part === null || part === undefined) return 0;
  return Array.isArray(part) ? part.reduce((sum, one) => sum + Buffer.byteLength(one), 0) : Buffer.byteLength(part);
}
