import type { Database } from '../platform';
import type { KeptLine } from './audit-line';
import {
  type AuditSource,
  type AuditView,
  pageOfLines,
  placeColumns,
  type SourcePlace,
  type TracedIds,
} from './audit-source';

const place = { at: 'at', id: `lpad(line_no::text, 19, '0')` };

/** The table of audit lines. */
export class AuditLineStore implements AuditSource {
  constructor(private readonly database: Database) {}

  /** All of them in one statement; `writtenAt` says in which month they stand. */
  async add(lines: readonly KeptLine[], writtenAt: Date): Promise<void> {
    const texts = (field: 'request_id' | 'correlation_id' | 'subscription_id' | 'client_id' | 'reason_text') =>
      lines.map((line) => line[field] ?? null);
    await this.database.query('audit.add', addSql, [
      writtenAt,
      lines.map(({ isOperation }) => isOperation),
      lines.map(({ at }) => at),
      lines.map(({ who }) => who),
      lines.map(({ what }) => what),
      lines.map(({ outcome }) => outcome),
      texts('request_id'),
      texts('correlation_id'),
      texts('subscription_id'),
      texts('client_id'),
      texts('reason_text'),
      lines.map(({ details }) => (details ? JSON.stringify(details) : null)),
    ]);
  }

  /** Without an id: what operators did, and no steps. */
  async lines(ids: TracedIds, before: SourcePlace | undefined, limit: number): Promise<AuditView[]> {
    const values: unknown[] = [];
    const value = (content: unknown) => `$${values.push(content)}`;
    const named = (['request_id', 'correlation_id'] as const).filter((name) => ids[name] !== undefined);
    const conditions = named.map((name) => `${name} = ${value(ids[name])}`);
    return this.database.query<AuditView>(
      `audit.lines.${named.join('.')}.${before ? 'before' : ''}`,
      `select ${placeColumns(place)}, who, what, outcome, request_id, correlation_id, subscription_id, client_id, reason_text, details
       from audit_line ${pageOfLines(named.length > 0 ? conditions : ['is_operation'], place, before, limit, value)}`,
      values,
    );
  }
}

const addSql = `
  insert into audit_line (written_at, is_operation, at, who, what, outcome, request_id, correlation_id, subscription_id, client_id,
    reason_text, details)
  select $1, l.is_operation, l.at, l.who, l.what, l.outcome, l.request_id, l.correlation_id, l.subscription_id, l.client_id,
         l.reason_text, l.details::jsonb
  from unnest($2::boolean[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
              $11::text[], $12::text[]) with ordinality
    as l (is_operation, at, who, what, outcome, request_id, correlation_id, subscription_id, client_id, reason_text, details, n)
  order by l.n`;
