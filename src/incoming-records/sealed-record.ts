import { z } from 'zod';
import type { OutgoingRecord } from '../transport';
import { addedHeaders } from './dead-letter';

type Content = Pick<OutgoingRecord, 'key' | 'value' | 'headers'>;

const base64 = z.string().transform((text) => Buffer.from(text, 'base64'));
const stored = z.strictObject({
  key: base64.nullable(),
  value: base64.nullable(),
  headers: z.array(z.tuple([z.string(), z.union([base64, z.array(base64)])])),
});

/** Key, value and headers of a refused record byte for byte, without what was added to say why it was refused. */
export function recordBytes({ key, value, headers }: Content): Buffer {
  const text = (part: string | Buffer) => Buffer.from(part).toString('base64');
  const kept = Object.entries(headers).filter(([name, given]) => given !== undefined && !addedHeaders.has(name));
  return Buffer.from(
    JSON.stringify({
      key: key === null ? null : text(key),
      value: value === null ? null : text(value),
      headers: kept.map(([name, given]) => [name, Array.isArray(given) ? given.map(text) : text(given!)]),
    }),
  );
}

/** The way back. */
export function recordOf(bytes: Buffer): Content {
  const { headers, ...rest } = stored.parse(JSON.parse(bytes.toString('utf8')));
  return { ...rest, headers: Object.fromEntries(headers) };
}
