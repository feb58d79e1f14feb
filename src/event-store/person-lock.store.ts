import type { Queries } from '../platform';

/** A person by the hashes under both keys of a rotation, in whichever order a process has them. */
export interface RotatingPerson {
  subjectHash: Buffer;
  previousSubjectHash: Buffer;
}

/**
 * Holds persons until the end of the transaction, so that nobody else makes their rows or moves them to another key. Without it two
 * processes, one with the old key first and one with the new, would each make a row for the same new person under a hash of its own.
 * Always in the same order, so that two callers never wait for each other.
 */
export async function lockPersons(queries: Queries, persons: readonly RotatingPerson[]): Promise<void> {
  const keys = [...new Set(persons.map(lockKeyOf))].sort((one, other) => (one < other ? -1 : 1));
  await queries.query('person.lock', 'select pg_advisory_xact_lock(key) from unnest($1::bigint[]) as key', [
    keys.map(String),
  ]);
}

/** Of new persons those that have a row under their previous hash. Only true while they are locked. */
export async function knownByPreviousHash(
  queries: Queries,
  persons: readonly RotatingPerson[],
): Promise<ReadonlySet<RotatingPerson>> {
  const rows = await queries.query<{ subject_hash: Buffer }>(
    'person.known-by-hash',
    'select subject_hash from person where subject_hash = any ($1)',
    [persons.map(({ previousSubjectHash }) => previousSubjectHash)],
  );
  const known = new Set(rows.map(({ subject_hash: hash }) => hash.toString('base64')));
  return new Set(persons.filter(({ previousSubjectHash: hash }) => known.has(hash.toString('base64'))));
}

/** The same for whoever knows the two hashes. */
function lockKeyOf({ subjectHash, previousSubjectHash }: RotatingPerson): bigint {
  const lesser = subjectHash.compare(previousSubjectHash) < 0 ? subjectHash : previousSubjectHash;
  return lesser.readBigInt64BE(0);
}
