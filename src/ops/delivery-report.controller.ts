import { Controller, Get, Inject, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { apiQuery, apiSchema, BearerGuard, parse, problemResponses, RequireScope } from '../http';
import { type DeliveryBalance, DeliveryLedger, deliveryStates, reportMaxDays, reportReach } from '../notifications';
import { Clock } from '../platform';
import { Refused } from '../refusals';
import { clientId } from './delivery-item';
import { listPage, pageOf, pageQuery, partsOfCursor } from './list-page';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

const fullHour = z.iso
  .datetime()
  .refine((text) => Date.parse(text) % hourMs === 0, 'must be a full hour')
  .transform((text) => new Date(text));
const reportQuery = z.strictObject({
  ...pageQuery,
  since: fullHour.optional().meta({ description: 'A full hour; a day before until when left out.' }),
  until: fullHour.optional().meta({ description: 'A full hour, left out of the period; the next one when left out.' }),
  client_id: clientId.optional(),
});

const count = z.int().min(0);
const balance = z.strictObject({
  client_id: z.string(),
  notification_type: z.enum(['subscription', 'resource']),
  planned: count.meta({ description: 'Counted when they were planned.' }),
  ...(Object.fromEntries(deliveryStates.map((state) => [state, count])) as Record<
    (typeof deliveryStates)[number],
    typeof count
  >),
  lost: z.int().meta({ description: 'planned less all that follows; negative: more is there than was planned.' }),
});
const report = pageOf(balance).extend({ since: z.iso.datetime(), until: z.iso.datetime() });

interface Report {
  since: string;
  until: string;
  items: z.output<typeof balance>[];
  next: string | null;
}

const place = z.tuple([clientId, z.enum(['subscription', 'resource'])]);

/** Whether anything is missing: what was planned for each client, and where it stands (docs/adr/0026). */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api/deliveries/report')
@UseGuards(BearerGuard)
@RequireScope('ops:read')
export class DeliveryReportController {
  constructor(
    @Inject(DeliveryLedger) private readonly ledger: DeliveryLedger,
    @Inject(Clock) private readonly clock: Clock,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'What was planned in a period, by client and type, and where each of it stands',
    description: `Periods of at most ${reportMaxDays} days that begin in the present month or the 24 before it, by when deliveries were planned.`,
  })
  @apiQuery(reportQuery)
  @ApiResponse({ status: 200, description: 'One page, by client and type', schema: apiSchema(report) })
  @problemResponses(400, 401, 403, 503)
  async show(@Query() query: unknown): Promise<Report> {
    const { limit, after, client_id: askedClient, ...asked } = parse(reportQuery, query);
    const period = this.periodOf(asked);
    const [afterClient, afterType] = after === undefined ? [] : partsOfCursor(after, place);
    const begins = afterType && { client_id: afterClient!, notification_type: afterType };
    const rows = await this.ledger.report({ ...period, clientId: askedClient }, begins, limit + 1);
    const page = listPage(rows, limit, toBalance, (row) => [row.client_id, row.notification_type]);
    return { since: period.since.toISOString(), until: period.until.toISOString(), ...page };
  }

  private periodOf(asked: { since?: Date; until?: Date }): { since: Date; until: Date } {
    const now = this.clock.now();
    const until = asked.until ?? new Date(Math.floor(now.getTime() / hourMs + 1) * hourMs);
    const since = asked.since ?? new Date(until.getTime() - dayMs);
    if (since >= until) throw refusedPeriod('until', 'must be later than since');
    if (until.getTime() - since.getTime() > reportMaxDays * dayMs)
      throw refusedPeriod('since', `must lie at most ${reportMaxDays} days before until`);
    if (since < reportReach(now)) throw refusedPeriod('since', 'must lie in the present month or the 24 before it');
    return { since, until };
  }
}

function refusedPeriod(path: 'since' | 'until', message: string): Refused {
  return new Refused('malformed_request', 'There is no report of this period.', [{ path, message }]);
}

function toBalance(row: DeliveryBalance): z.output<typeof balance> {
  const { client_id, notification_type, planned, pending, sending, parked, delivered, dead, dropped, lost } = row;
  return { client_id, notification_type, planned, pending, sending, parked, delivered, dead, dropped, lost };
}
