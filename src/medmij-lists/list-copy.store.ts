import type { Database } from '../platform';
import type { ListName } from './list.store';

export interface ListCopy {
  content: Buffer;
  fetchedAt: Date;
}

/** The last good copy of every list, shared by all processes; it only ever moves to a higher `Volgnummer`. */
export class ListCopyStore {
  constructor(private readonly database: Database) {}

  async find(name: ListName): Promise<ListCopy | undefined> {
    const [row] = await this.database.query<{ content: Buffer; fetched_at: Date }>(
      'list-copy.find',
      'select content, fetched_at from list_copy where name = $1',
      [name],
    );
    return row && { content: row.content, fetchedAt: row.fetched_at };
  }

  async keep(name: ListName, sequence: number, content: Uint8Array, fetchedAt: Date): Promise<void> {
    await this.database.query(
      'list-copy.keep',
      `insert into list_copy (name, sequence, fetched_at, content) values ($1, $2, $3, $4)
       on conflict (name) do update
         set sequence = excluded.sequence, fetched_at = excluded.fetched_at, content = excluded.content
         where list_copy.sequence < excluded.sequence`,
      [name, sequence, fetchedAt, Buffer.from(content.buffer, content.byteOffset, content.byteLength)],
    );
  }

  /** The publisher still has this one. */
  async confirm(name: ListName, sequence: number, fetchedAt: Date): Promise<void> {
    await this.database.query(
      'list-copy.confirm',
      'update list_copy set fetched_at = $3 where name = $1 and sequence = $2 and fetched_at < $3',
      [name, sequence, fetchedAt],
    );
  }
}
