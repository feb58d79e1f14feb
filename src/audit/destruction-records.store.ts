import type { Database, Queries } from '../platform';
import {
  type AuditSource,
  type AuditView,
  pageOfLines,
  placeColumns,
  type SourcePlace,
  type TracedIds,
} from './audit-source';

const place = { at: 'destroyed_at', id: `lpad(record_no::text, 19, '0')` };

/** What was destroyed because it had been kept for its time: rows of `what` that lay between two moments, `to` not included. */
export interface Destruction {
  what: string;
  from: Date;
  to: Date;
  rows: number;
  at: Date;
}

/** The written record of what retention has destroyed; it stays. */
export class DestructionRecords implements AuditSource {
  constructor(private readonly database: Database) {}

  /** @param queries the transaction that destroys, so that record and destruction are true together */
  async write({ what, from, to, rows, at }: Destruction, queries: Queries = this.database): Promise<void> {
    await queries.query(
      'destruction.write',
      'insert into destruction_record (what, from_moment, to_moment, row_count, destroyed_at) values ($1, $2, $3, $4, $5)',
      [what, from, to, rows, at],
    );
  }

  /** As lines of the audit; they belong to no request. */
  async lines(ids: TracedIds, before: SourcePlace | undefined, limit: number): Promise<AuditView[]> {
    if (ids.request_id !== undefined || ids.correlation_id !== undefined) return [];
    const values: unknown[] = [];
    const value = (content: unknown) => `$${values.push(content)}`;
    return this.database.query<AuditView>(
      `destruction.lines.${before ? 'before' : ''}`,
      `select ${placeColumns(place)}, 'system' as who, 'retention.destroy' as what, 'done' as outcome, null as request_id,
              null as correlation_id, null as subscription_id, null as client_id, null as reason_text,
              jsonb_build_object('table', what, 'from', from_moment, 'to', to_moment, 'rows', row_count) as details
       from destruction_record ${pageOfLines([], place, before, limit, value)}`,
      values,
    );
  }
}
