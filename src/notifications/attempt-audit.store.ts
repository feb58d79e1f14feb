import {
  type AuditSource,
  type AuditView,
  pageOfLines,
  placeColumns,
  type SourcePlace,
  type TracedIds,
} from '../audit';
import type { EventAudit } from '../event-store';
import type { Database } from '../platform';
import { deliveriesOf, requestIdOf } from './notification-request';

/** Events of one conversation whose notifications are looked up. */
const eventsMax = 1_000;
/** Tries of one delivery that are looked through for one of them; the longest schedule has fewer than a hundred. */
const triesMax = 1_000;

/** What ended without a further try says nothing of when; its row was written then. */
const at = 'case when a.duration_ms is null then a.written_at else a.at end';
const place = { at, id: `a.delivery_id::text || '/' || lpad(a.fence::text, 19, '0') || '/' || a.outcome` };

const select = `
  select ${placeColumns(place)}, a.delivery_id, a.fence::text as fence, a.duration_ms is not null as is_try, 'system' as who,
         case when a.duration_ms is null then 'notification.end' else 'notification.try' end as what, a.outcome, a.correlation_id,
         a.subscription_id, a.client_id, null as reason_text,
         jsonb_strip_nulls(jsonb_build_object('delivery_id', a.delivery_id, 'notification_type', a.notification_type,
           'attempt', a.attempt, 'status', a.status, 'error', a.error, 'duration_ms', a.duration_ms)) as details`;

type AttemptRow = Omit<AuditView, 'request_id'> & { delivery_id: string; fence: string; is_try: boolean };

/** Tries and endings of notifications as lines of the audit trail. */
export class AttemptAudit implements AuditSource {
  constructor(
    private readonly database: Database,
    private readonly events: EventAudit,
  ) {}

  async lines(ids: TracedIds, before: SourcePlace | undefined, limit: number): Promise<AuditView[]> {
    const { request_id: requestId, correlation_id: correlationId } = ids;
    if (requestId !== undefined) return this.ofRequest(requestId, correlationId, before);
    return correlationId === undefined ? [] : this.ofConversation(correlationId, before, limit);
  }

  /** One try, and an ending that followed without another: a page would never be full. */
  private async ofRequest(requestId: string, correlationId: string | undefined, before: SourcePlace | undefined) {
    const range = deliveriesOf(requestId);
    if (!range) return [];
    const conditions = ['a.delivery_id between $1::uuid and $2::uuid', '($3::text is null or a.correlation_id = $3)'];
    const views = await this.page('request', 'delivery_attempt', conditions, before, triesMax, [
      range.first,
      range.last,
      correlationId ?? null,
    ]);
    return views.filter((view) => view.request_id === requestId);
  }

  /** A notification of a change has the id of its event; one of new data knows the conversation itself. */
  private async ofConversation(correlationId: string, before: SourcePlace | undefined, limit: number) {
    const eventIds = await this.events.idsOf({ correlation_id: correlationId }, eventsMax);
    const rows = `(
      select * from delivery_attempt where delivery_id = any ($1::uuid[]) and notification_type = 'subscription'
      union all select * from delivery_attempt where correlation_id = $2 and notification_type = 'resource')`;
    return this.page('conversation', rows, [], before, limit, [eventIds, correlationId]);
  }

  private async page(
    name: string,
    rows: string,
    conditions: readonly string[],
    before: SourcePlace | undefined,
    limit: number,
    values: unknown[],
  ): Promise<AuditView[]> {
    const value = (content: unknown) => `$${values.push(content)}`;
    const end = pageOfLines(conditions, place, before, limit, value);
    const found = await this.database.query<AttemptRow>(
      `attempt.audit.${name}.${before ? 'before' : ''}`,
      `${select} from ${rows} a ${end}`,
      values,
    );
    return found.map(toView);
  }
}

function toView({ delivery_id: deliveryId, fence, is_try: isTry, ...line }: AttemptRow): AuditView {
  return { ...line, request_id: isTry ? requestIdOf(deliveryId, fence) : null };
}
