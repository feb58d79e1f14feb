import { createHash } from 'node:crypto';

/** The same id for the same names: UUID version 8 (RFC 9562) over their SHA-256. Names hold no line break. */
export function nameBasedId(...names: string[]): string {
  const hash = createHash('sha256').update(names.join('\n')).digest().subarray(0, 16);
  hash[6] = (hash[6]! & 0x0f) | 0x80;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
