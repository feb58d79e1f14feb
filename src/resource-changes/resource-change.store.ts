import type { Database, Queries } from '../platform';

/** A change that was taken in. */
export interface KnownChange {
  fingerprint: Buffer;
  notifications: number;
}

/** The changes of the last while. */
export class ResourceChangeStore {
  constructor(private readonly database: Database) {}

  async find(changeId: string): Promise<KnownChange | undefined> {
    const [row] = await this.database.query<KnownChange>(
      'resource-change.find',
      'select fingerprint, notifications from resource_change where change_id = $1',
      [changeId],
    );
    return row;
  }

  /** Remembers a change and does what follows from it, in one commit. False when somebody else was first: then nothing is done. */
  async record(
    changeId: string,
    { fingerprint, notifications }: KnownChange,
    receivedAt: Date,
    follow: (queries: Queries) => Promise<void>,
  ): Promise<boolean> {
    return this.database.transaction(async (queries) => {
      // Of two at once the second waits here for the first.
      const rows = await queries.query(
        'resource-change.record',
        `insert into resource_change (change_id, fingerprint, notifications, received_at) values ($1, $2, $3, $4)
         on conflict do nothing returning 1`,
        [changeId, fingerprint, notifications, receivedAt],
      );
      if (rows.length === 0) return false;
      await follow(queries);
      return true;
    });
  }

  /** Deletes at most `limit` rows that are not younger than `since`; returns how many. */
  async forget(since: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      'resource-change.forget',
      `delete from resource_change where change_id in
         (select change_id from resource_change where received_at <= $1 order by received_at limit $2 for update skip locked)
       returning 1`,
      [since, limit],
    );
    return rows.length;
  }
}
