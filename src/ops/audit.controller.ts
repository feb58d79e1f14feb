import { Controller, Get, Inject, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { AuditPages, auditSources, type ListedLine } from '../audit';
import { apiQuery, apiSchema, BearerGuard, parse, problemResponses, RequireScope } from '../http';
import { isTraceId } from '../platform';
import { type ListPage, listPage, pageOf, pageQuery, partsOfCursor } from './list-page';

const traceId = z.string().refine(isTraceId, 'must be 1 to 128 visible characters').optional();
const auditQuery = z.strictObject({ ...pageQuery, request_id: traceId, correlation_id: traceId });
const place = z.tuple([z.string().regex(/^\d{1,16}$/), z.enum(auditSources), z.string().regex(/^[\x21-\x7d]{0,200}$/)]);

/** One line of the audit trail (contract.md 4; its fields are decided, docs/adr/0021). */
const auditItem = z.strictObject({
  id: z.string(),
  at: z.iso.datetime(),
  source: z.enum(auditSources).meta({
    description:
      'operation: what an operator did, or a step of a request that left nothing else behind; event: what a subscription or a client became; notification: a try or an end of one; retention: what was destroyed.',
  }),
  who: z.string().nullable(),
  what: z.string(),
  outcome: z.string(),
  request_id: z.string().nullable(),
  correlation_id: z.string().nullable(),
  subscription_id: z.string().nullable(),
  client_id: z.string().nullable(),
  reason_text: z.string().nullable(),
  details: z.record(z.string(), z.unknown()).nullable(),
});
type AuditItem = z.output<typeof auditItem>;

/** Who did what, when and why. */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api/audit')
@UseGuards(BearerGuard)
@RequireScope('ops:read')
export class AuditController {
  constructor(@Inject(AuditPages) private readonly audit: AuditPages) {}

  @Get()
  @ApiOperation({
    summary:
      'The audit trail of a request or a conversation, newest first; without either, of operators and of retention',
  })
  @apiQuery(auditQuery)
  @ApiResponse({ status: 200, description: 'One page', schema: apiSchema(pageOf(auditItem)) })
  @problemResponses(400, 401, 403, 503)
  async list(@Query() query: unknown): Promise<ListPage<AuditItem>> {
    const { limit, after, ...ids } = parse(auditQuery, query);
    const [moment, source, id] = after === undefined ? [] : partsOfCursor(after, place);
    const from = moment === undefined ? undefined : { place: moment, source: source!, id: id! };
    const lines = await this.audit.page(ids, from, limit + 1);
    return listPage(lines, limit, toAuditItem, (line) => [line.place, line.source, line.id]);
  }
}

function toAuditItem({ place: _place, at, source, id, ...line }: ListedLine): AuditItem {
  const { who, what, outcome, request_id, correlation_id, subscription_id, client_id, reason_text, details } = line;
  return {
    id: `${source}:${id}`,
    at: at.toISOString(),
    source,
    who,
    what,
    outcome,
    request_id,
    correlation_id,
    subscription_id,
    client_id,
    reason_text,
    details,
  };
}
