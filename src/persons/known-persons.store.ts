import type { Database } from '../platform';
import type { PersonIdentity } from './person-identities';

/** Persons that the identity table knows, by the keyed hashes of their subjects. */
export class KnownPersons {
  constructor(private readonly database: Database) {}

  /** The random person id; undefined for somebody who never had a subscription, or who was erased. */
  async idOf({ subjectHash, previousSubjectHash }: PersonIdentity): Promise<string | undefined> {
    const [row] = await this.database.query<{ person_id: string }>(
      'known-persons.id',
      'select person_id from person where subject_hash in ($1, $2)',
      [subjectHash, previousSubjectHash ?? subjectHash],
    );
    return row?.person_id;
  }
}
