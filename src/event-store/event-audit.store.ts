import {
  type AuditSource,
  type AuditView,
  pageOfLines,
  placeColumns,
  type SourcePlace,
  type TracedIds,
} from '../audit';
import type { Database } from '../platform';

const place = { at: 'e.occurred_at', id: 'e.event_id::text' };

const columns = { request_id: 'causation_id', correlation_id: 'correlation_id' } as const;

const wanted = 'e.event_id, e.version, e.type, e.data, e.metadata, e.occurred_at';
/** What is over lies in the archive (docs/adr/0030), under the same indexes. */
const recorded = `(select ${wanted} from event e union all select ${wanted} from archived_event e) e`;

/** Facts as lines of the audit trail: what a request or a conversation has changed. */
export class EventAudit implements AuditSource {
  constructor(private readonly database: Database) {}

  async lines(ids: TracedIds, before: SourcePlace | undefined, limit: number): Promise<AuditView[]> {
    const values: unknown[] = [];
    const value = (content: unknown) => `$${values.push(content)}`;
    const conditions = conditionsOn(ids, value);
    if (conditions.length === 0) return [];
    return this.database.query<AuditView>(
      `event.audit.${Object.keys(ids).sort().join('.')}.${before ? 'before' : ''}`,
      `select ${placeColumns(place)}, null as who, e.type as what, 'done' as outcome, e.metadata ->> 'causation_id' as request_id,
              e.metadata ->> 'correlation_id' as correlation_id, e.data ->> 'subscription_id' as subscription_id,
              e.data ->> 'client_id' as client_id, null as reason_text,
              jsonb_strip_nulls(jsonb_build_object('event_id', e.event_id, 'version', e.version, 'reason', e.data -> 'reason')) as details
       from ${recorded} ${pageOfLines(conditions, place, before, limit, value)}`,
      values,
    );
  }

  /** The ids of the events of a conversation, or of a request, the oldest ones first; `limit` of them. */
  async idsOf(ids: TracedIds, limit: number): Promise<string[]> {
    const values: unknown[] = [limit];
    const conditions = conditionsOn(ids, (content) => `$${values.push(content)}`);
    if (conditions.length === 0) return [];
    const rows = await this.database.query<{ event_id: string }>(
      `event.ids.${Object.keys(ids).sort().join('.')}`,
      `select e.event_id from ${recorded} where ${conditions.join(' and ')} order by e.occurred_at, e.event_id limit $1`,
      values,
    );
    return rows.map((row) => row.event_id);
  }
}

function conditionsOn(ids: TracedIds, value: (content: unknown) => string): string[] {
  return (['request_id', 'correlation_id'] as const)
    .filter((name) => ids[name] !== undefined)
    .map((name) => `(e.metadata ->> '${columns[name]}') = ${value(ids[name])}`);
}
