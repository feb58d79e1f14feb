import type { Database } from '../platform';

/** A refused record as operators see it; its content stays sealed. */
export interface DeadLetterView {
  dead_letter_id: string;
  topic: string;
  partition: number;
  record_offset: string;
  reason: string;
  detail: string;
  is_cut: boolean;
  created_at: Date;
  replayed_at: Date | null;
}

export interface DeadLetterRow extends Omit<DeadLetterView, 'replayed_at'> {
  sealed_record: Buffer;
  key_id: string;
}

/** The refused records of the last seven days. */
export class DeadLetterStore {
  constructor(private readonly database: Database) {}

  /** Once: a row that is there already stays as it is. */
  async add(row: DeadLetterRow): Promise<void> {
    await this.database.query(
      'dead-letter.add',
      `insert into dead_letter (dead_letter_id, topic, partition, record_offset, reason, detail, sealed_record, key_id, is_cut, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing`,
      [
        row.dead_letter_id,
        row.topic,
        row.partition,
        row.record_offset,
        row.reason,
        row.detail,
        row.sealed_record,
        row.key_id,
        row.is_cut,
        row.created_at,
      ],
    );
  }

  async find(id: string, since: Date): Promise<DeadLetterRow | undefined> {
    const [row] = await this.database.query<DeadLetterRow>(
      'dead-letter.find',
      `select ${viewColumns}, sealed_record, key_id from dead_letter where dead_letter_id = $1 and created_at > $2`,
      [id, since],
    );
    return row;
  }

  /** Newest first, `limit` rows after `after`, none older than `since`. */
  async list(
    since: Date,
    after: { createdAt: string; deadLetterId: string } | undefined,
    limit: number,
  ): Promise<(DeadLetterView & { place: string })[]> {
    const place = after ? [after.createdAt, after.deadLetterId] : [];
    return this.database.query<DeadLetterView & { place: string }>(
      `dead-letter.list${after ? '.after' : ''}`,
      `select ${viewColumns}, created_at::text as place from dead_letter
       where created_at > $1 ${after ? 'and (created_at, dead_letter_id) < ($3::timestamptz, $4::uuid)' : ''}
       order by created_at desc, dead_letter_id desc limit $2`,
      [since, limit, ...place],
    );
  }

  async replayed(id: string, at: Date): Promise<DeadLetterView | undefined> {
    const [row] = await this.database.query<DeadLetterView>(
      'dead-letter.replayed',
      `update dead_letter set replayed_at = $2 where dead_letter_id = $1 returning ${viewColumns}`,
      [id, at],
    );
    return row;
  }

  /** Deletes at most `limit` rows that are not younger than `since`; returns how many. */
  async forget(since: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      'dead-letter.forget',
      `delete from dead_letter where dead_letter_id in
         (select dead_letter_id from dead_letter where created_at <= $1 order by created_at limit $2 for update skip locked)
       returning 1`,
      [since, limit],
    );
    return rows.length;
  }
}

const viewColumns =
  'dead_letter_id, topic, partition, record_offset::text, reason, detail, is_cut, created_at, replayed_at';
