import type { Database, Queries } from '../platform';

/** Persons of whom a subscription was destroyed: when nothing else is left of them, their identity goes too (docs/adr/0031). */
export class LeftPersons {
  constructor(private readonly database: Database) {}

  /** In the transaction that destroys. */
  async add(personIds: readonly string[], queries: Queries): Promise<void> {
    await queries.query(
      'left-persons.add',
      'insert into left_person (person_id) select distinct unnest($1::uuid[]) on conflict do nothing',
      [personIds],
    );
  }

  async page(limit: number): Promise<string[]> {
    const rows = await this.database.query<{ person_id: string }>(
      'left-persons.page',
      'select person_id from left_person order by person_id limit $1',
      [limit],
    );
    return rows.map((row) => row.person_id);
  }

  /** These have been looked at: of `gone` nothing is left, and nobody can say any more who they were. @returns rows that went */
  async settle(personIds: readonly string[], gone: readonly string[], queries: Queries): Promise<number> {
    await queries.query('left-persons.settle', 'delete from left_person where person_id = any ($1)', [personIds]);
    const rows = await queries.query(
      'left-persons.forget',
      'delete from person where person_id = any ($1) returning 1',
      [gone],
    );
    return rows.length;
  }
}
