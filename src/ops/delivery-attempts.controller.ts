import { Controller, Get, Inject, Param, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { apiQuery, apiSchema, BearerGuard, parse, problemResponses, RequireScope } from '../http';
import { attemptOutcomes, type AttemptView, DeliveryRecords } from '../notifications';
import { Refused } from '../refusals';
import { type ListPage, listPage, momentText, pageOf, pageQuery, partsOfCursor } from './list-page';

const moment = z.iso.datetime();
const attemptItem = z.strictObject({
  attempt: z.int().min(0).meta({ description: 'Tries that counted so far, this one included.' }),
  at: moment.nullable().meta({ description: 'When it was last tried; null when it never was.' }),
  recorded_at: moment,
  status: z.int().nullable(),
  error: z.string().nullable(),
  duration_ms: z.int().min(0).nullable().meta({ description: 'Null for an ending that needed no try of its own.' }),
  outcome: z.enum(attemptOutcomes).meta({ description: 'retry: it went on.' }),
});
type AttemptItem = z.output<typeof attemptItem>;

const attemptsQuery = z.strictObject(pageQuery);
const fence = z.string().regex(/^\d{1,18}$/);
const place = z.tuple([fence, momentText]);

/** What became of each try of one delivery (docs/adr/0025). */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api/deliveries/:id/attempts')
@UseGuards(BearerGuard)
@RequireScope('ops:read')
export class DeliveryAttemptsController {
  constructor(@Inject(DeliveryRecords) private readonly deliveries: DeliveryRecords) {}

  @Get()
  @ApiOperation({ summary: 'Every try of one delivery, oldest first' })
  @apiQuery(attemptsQuery)
  @ApiResponse({ status: 200, description: 'One page', schema: apiSchema(pageOf(attemptItem)) })
  @problemResponses(400, 401, 403, 404, 503)
  async list(@Param('id') id: string, @Query() query: unknown): Promise<ListPage<AttemptItem>> {
    const { limit, after } = parse(attemptsQuery, query);
    const begins = after === undefined ? undefined : attemptPlace(after);
    const isKnown = z.uuid().safeParse(id).success && (await this.deliveries.find(id)) !== undefined;
    if (!isKnown) throw new Refused('not_found', 'There is no such delivery.');
    const rows = await this.deliveries.attemptsOf(id, begins, limit + 1);
    return listPage(rows, limit, toAttemptItem, (row) => [row.fence, row.place]);
  }
}

function attemptPlace(cursor: string): { fence: string; recordedAt: string } {
  const [afterFence, recordedAt] = partsOfCursor(cursor, place);
  return { fence: afterFence, recordedAt };
}

function toAttemptItem(view: AttemptView): AttemptItem {
  return {
    attempt: view.attempt,
    at: view.at?.toISOString() ?? null,
    recorded_at: view.recorded_at.toISOString(),
    status: view.status,
    error: view.error,
    duration_ms: view.duration_ms,
    outcome: view.outcome,
  };
}
