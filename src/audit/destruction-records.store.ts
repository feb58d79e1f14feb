import type { Database, Queries } from '../platform';

/** What was destroyed because it had been kept for its time: rows of `what` that lay between two moments, `to` not included. */
export interface Destruction {
  what: string;
  from: Date;
  to: Date;
  rows: number;
  at: Date;
}

/** The written record of what retention has destroyed; it stays. */
export class DestructionRecords {
  constructor(private readonly database: Database) {}

  /** @param queries the transaction that destroys, so that record and destruction are true together */
  async write({ what, from, to, rows, at }: Destruction, queries: Queries = this.database): Promise<void> {
    await queries.query(
      'destruction.write',
      'insert into destruction_record (what, from_moment, to_moment, row_count, destroyed_at) values ($1, $2, $3, $4, $5)',
      [what, from, to, rows, at],
    );
  }
}
