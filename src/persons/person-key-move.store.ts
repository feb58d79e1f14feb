import { lockPersons } from '../event-store';
import type { Database, Queries } from '../platform';

export interface PersonRow {
  person_id: string;
  sealed_subject: Buffer;
  key_id: string;
}

/** A row as it stands under another key. */
export interface MovedPerson {
  personId: string;
  /** The hashes under the key it goes to and the one it comes from. */
  subjectHash: Buffer;
  previousSubjectHash: Buffer;
  sealedSubject: Buffer;
}

/** Numbers of two keys (`PersonKey.id`). */
export interface KeyMove {
  from: string;
  to: string;
}

export interface KeyMoveState {
  walked_to: string;
  /** Persons moved so far, in this walk and before. */
  moved: number;
  moved_in_walk: number;
  left_in_walk: number;
  /** Persons that the last whole walk could not move: under an unknown key, or with a row under both. */
  left_behind: number;
  /** End of the last walk, when it found nothing more to move. */
  finished_at: Date | null;
}

const columns = 'walked_to, moved::float8, moved_in_walk, left_in_walk, left_behind, finished_at';
export const beforeAll = '00000000-0000-0000-0000-000000000000';

/** The rows of persons on their way from one PERSON_KEY to the next, and how far they have come. */
export class PersonKeyMoveStore {
  constructor(private readonly database: Database) {}

  /** Undefined before the first step. */
  async state({ to }: Pick<KeyMove, 'to'>): Promise<KeyMoveState | undefined> {
    const [row] = await this.database.query<KeyMoveState>(
      'person-key-move.state',
      `select ${columns} from person_key_move where to_key = $1`,
      [to],
    );
    return row;
  }

  /**
   * A move to a key begins anew when it comes from another one than before, or when there was a move to another key since: what had been
   * finished is not any more, and an operator who believes it would give up the key that the persons stand under.
   */
  async begin({ from, to }: KeyMove, now: Date): Promise<KeyMoveState> {
    await this.database.query(
      'person-key-move.begin',
      `with others as (delete from person_key_move where to_key <> $1)
       insert into person_key_move (to_key, from_key, began_at) values ($1, $2, $3)
       on conflict (to_key) do update
         set from_key = excluded.from_key, began_at = excluded.began_at, walked_to = $4, moved = 0, moved_in_walk = 0,
             left_in_walk = 0, left_behind = 0, finished_at = null
         where person_key_move.from_key <> excluded.from_key`,
      [to, from, now, beforeAll],
    );
    return (await this.state({ to }))!;
  }

  async page(after: string, limit: number): Promise<PersonRow[]> {
    return this.database.query<PersonRow>(
      'person-key-move.page',
      'select person_id, sealed_subject, key_id from person where person_id > $1 order by person_id limit $2',
      [after, limit],
    );
  }

  /**
   * Moves the rows that still stand under the old key, and notes how far the walk has come, both or neither. A row that was erased or moved
   * meanwhile stays as it is; so does one of a person who has another row under the new key.
   * @returns how many were moved
   */
  async move(move: KeyMove, persons: readonly MovedPerson[], walk: { to: string; unknown: number }): Promise<number> {
    return this.database.transaction(async (queries) => {
      const moved = persons.length > 0 ? await this.moveRows(move, persons, queries) : { moved: 0, left: 0 };
      await queries.query(
        'person-key-move.walked',
        `update person_key_move
         set walked_to = $2, moved = moved + $3, moved_in_walk = moved_in_walk + $3, left_in_walk = left_in_walk + $4
         where to_key = $1`,
        [move.to, walk.to, moved.moved, moved.left + walk.unknown],
      );
      return moved.moved;
    });
  }

  /** The walk has come to the end. It is the last one when it moved nobody. */
  async endWalk({ to }: KeyMove, now: Date): Promise<KeyMoveState> {
    const [row] = await this.database.query<KeyMoveState>(
      'person-key-move.end-walk',
      `update person_key_move
       set walked_to = $3, left_behind = left_in_walk, moved_in_walk = 0, left_in_walk = 0,
           finished_at = case when moved_in_walk = 0 then $2::timestamptz end
       where to_key = $1 returning ${columns}`,
      [to, now, beforeAll],
    );
    return row!;
  }

  private async moveRows(move: KeyMove, persons: readonly MovedPerson[], queries: Queries) {
    await lockPersons(queries, persons);
    const moved = await queries.query(
      'person-key-move.move',
      `update person p set subject_hash = m.hash, sealed_subject = m.sealed, key_id = $1
       from unnest($3::uuid[], $4::bytea[], $5::bytea[]) as m (person_id, hash, sealed)
       where p.person_id = m.person_id and p.key_id = $2
         and not exists (select 1 from person other where other.subject_hash = m.hash)
       returning 1`,
      [
        move.to,
        move.from,
        persons.map(({ personId }) => personId),
        persons.map(({ subjectHash }) => subjectHash),
        persons.map(({ sealedSubject }) => sealedSubject),
      ],
    );
    const [left] = await queries.query<{ count: number }>(
      'person-key-move.left',
      'select count(*)::integer as count from person where person_id = any ($1) and key_id = $2',
      [persons.map(({ personId }) => personId), move.from],
    );
    return { moved: moved.length, left: left!.count };
  }
}
