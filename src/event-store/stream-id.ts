import { nameBasedId } from '../platform';

/**
 * The stream of a person and the names that with it make a stream. The function `stream_id_of` of the database follows the
 * same rule; a test holds the two together.
 */
export function streamIdOf(personId: string, ...names: string[]): string {
  return nameBasedId(personId, ...names);
}
