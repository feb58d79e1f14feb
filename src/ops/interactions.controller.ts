import { Controller, Get, Inject, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { type InteractionState, interactionStates, InteractionStore, type InteractionView } from '../authorization';
import { apiQuery, apiSchema, BearerGuard, parse, problemResponses, RequireScope } from '../http';
import { Clock } from '../platform';
import { type ListPage, listPage, momentText, pageOf, pageQuery, partsOfCursor } from './list-page';

const interactionsQuery = z.strictObject({ state: z.enum(interactionStates).optional(), ...pageQuery });
const place = z.tuple([momentText, z.uuid()]);
const moment = z.iso.datetime();

/** One authorization request of a browser (contract.md 4); `exception` is the published number or an error of RFC 6749. */
const interactionItem = z.strictObject({
  interaction_id: z.uuid(),
  client_id: z.string(),
  provider: z.string(),
  service_id: z.string(),
  interface_version: z.string(),
  days: z.int(),
  state: z.enum(interactionStates),
  exception: z.string().nullable(),
  request_id: z.string(),
  correlation_id: z.string(),
  created_at: moment,
  expires_at: moment,
  ended_at: moment.nullable(),
  left_at: moment.nullable().meta({ description: 'When the browser went back to the client.' }),
});
type InteractionItem = z.output<typeof interactionItem>;

/** Authorization requests of the last month: those under way, and how the others ended. */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api/interactions')
@UseGuards(BearerGuard)
export class InteractionsController {
  constructor(
    @Inject(InteractionStore) private readonly interactions: InteractionStore,
    @Inject(Clock) private readonly clock: Clock,
  ) {}

  @Get()
  @RequireScope('ops:read')
  @ApiOperation({ summary: 'Authorization requests at the browser door, newest first' })
  @apiQuery(interactionsQuery)
  @ApiResponse({ status: 200, description: 'One page', schema: apiSchema(pageOf(interactionItem)) })
  @problemResponses(400, 401, 403, 503)
  async list(@Query() query: unknown): Promise<ListPage<InteractionItem>> {
    const { state, limit, after } = parse(interactionsQuery, query);
    const [createdAt, interactionId] = after === undefined ? [] : partsOfCursor(after, place);
    const from = createdAt === undefined ? undefined : { createdAt, interactionId: interactionId! };
    const now = this.clock.now();
    const rows = await this.interactions.list({ state, now }, from, limit + 1);
    return listPage(
      rows,
      limit,
      (row) => toItem(row, now),
      (row) => [row.place, row.interaction_id],
    );
  }
}

function toItem(row: InteractionView, now: Date): InteractionItem {
  return {
    interaction_id: row.interaction_id,
    client_id: row.client_id,
    provider: row.provider,
    service_id: row.service_id,
    interface_version: row.interface_version,
    days: row.days,
    state: stateOf(row, now),
    exception: row.exception,
    request_id: row.request_id,
    correlation_id: row.correlation_id,
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
    ended_at: row.ended_at?.toISOString() ?? null,
    left_at: row.left_at?.toISOString() ?? null,
  };
}

/** What is over and was not ended yet is as good as abandoned; the sweeper is at most seconds behind. */
function stateOf({ outcome, expires_at: expiresAt }: InteractionView, now: Date): InteractionState {
  return outcome ?? (expiresAt > now ? 'open' : 'abandoned');
}
