import type { Database, Queries } from '../platform';
import { type KnownSubject, knownSubjectIn } from './known-subject';
import type { PersonIdentity } from './person-identities';
import type { PersonalSeal, Sealed } from './personal-seal';

const otherKey = 'A subject was sealed under another key: give that one as PERSON_KEY_PREVIOUS.';

/** The sealed subject of a person who is known cannot be opened: its key is not configured, or it was changed. */
export class UnreadableSubject extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnreadableSubject';
  }
}

/** Persons that the identity table knows: their ids by the keyed hashes of their subjects, and the way back. */
export class KnownPersons {
  constructor(
    private readonly database: Database,
    private readonly seal: PersonalSeal,
  ) {}

  /** The random person id; undefined for somebody who never had a subscription, or who was erased. */
  async idOf({ subjectHash, previousSubjectHash }: PersonIdentity): Promise<string | undefined> {
    const [row] = await this.database.query<{ person_id: string }>(
      'known-persons.id',
      'select person_id from person where subject_hash in ($1, $2) order by subject_hash = $1 desc limit 1',
      [subjectHash, previousSubjectHash ?? subjectHash],
    );
    return row?.person_id;
  }

  /** Whether there is a person by this id; not any more when they were erased. */
  async knows(personId: string): Promise<boolean> {
    const rows = await this.database.query('known-persons.knows', 'select 1 from person where person_id = $1', [
      personId,
    ]);
    return rows.length > 0;
  }

  /**
   * Who is behind a person id, for a question that cannot be asked without (domain.md 7); undefined for somebody who was erased.
   * @throws UnreadableSubject
   */
  async subjectOf(personId: string): Promise<KnownSubject | undefined> {
    const [row] = await this.database.query<{ sealed: Buffer; key_id: string }>(
      'known-persons.subject',
      'select sealed_subject as sealed, key_id from person where person_id = $1',
      [personId],
    );
    if (!row) return undefined;
    const opened = this.open({ sealed: row.sealed, keyId: row.key_id }, personId);
    if (!opened) throw new UnreadableSubject(otherKey);
    return knownSubjectIn(opened);
  }

  private open(sealed: Sealed, personId: string): Buffer | undefined {
    try {
      return this.seal.open(sealed, personId);
    } catch (cause) {
      throw new UnreadableSubject('A sealed subject was changed since it was stored.', { cause });
    }
  }

  /** Nobody can say any more who is behind this id. */
  async forget(personId: string, queries: Queries): Promise<void> {
    await queries.query('known-persons.forget', 'delete from person where person_id = $1', [personId]);
  }
}
