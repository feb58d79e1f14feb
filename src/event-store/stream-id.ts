import { createHash } from 'node:crypto';

/**
 * The stream of a person and the names that with it make a stream: UUID version 8 (RFC 9562) over their SHA-256.
 * The function `stream_id_of` of the database follows the same rule; a test holds the two together.
 */
export function streamIdOf(personId: string, ...names: string[]): string {
  const hash = createHash('sha256')
    .update([personId, ...names].join('\n'))
    .digest()
    .subarray(0, 16);
  hash[6] = (hash[6]! & 0x0f) | 0x80;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
