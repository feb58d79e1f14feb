import { Controller, Get, Inject, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { apiQuery, apiSchema, BearerGuard, parse, problemResponses, RequireScope } from '../http';
import { breakerState, type EndpointName, EndpointRecords, type EndpointView } from '../notifications';
import { Clock } from '../platform';
import { clientId } from './delivery-item';
import { type ListPage, listPage, pageOf, pageQuery, partsOfCursor } from './list-page';

const moment = z.iso.datetime();
const notificationType = z.enum(['subscription', 'resource']);
const endpointItem = z.strictObject({
  client_id: z.string(),
  service_id: z.string(),
  interface_version: z.string(),
  notification_type: notificationType,
  breaker: z.enum(['closed', 'open', 'half_open']),
  failures: z.int().min(0).meta({ description: 'In a row; 0: its last answer was a good one.' }),
  failing_since: moment.nullable().meta({ description: 'The first failure after its last good answer.' }),
  last_failure_at: moment.nullable(),
  warned_at: moment.nullable().meta({ description: 'When it had failed for so long that operators were warned.' }),
});
type EndpointItem = z.output<typeof endpointItem>;

const endpointsQuery = z.strictObject({
  ...pageQuery,
  client_id: clientId.optional(),
  failing: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional(),
});
const place = z.tuple([clientId, clientId, clientId, notificationType]);

/** How the endpoints are doing that we have ever had something to tell (docs/adr/0028). */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api/endpoints')
@UseGuards(BearerGuard)
@RequireScope('ops:read')
export class EndpointsController {
  constructor(
    @Inject(EndpointRecords) private readonly endpoints: EndpointRecords,
    @Inject(Clock) private readonly clock: Clock,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Notification endpoints, by client, service, interface version and type' })
  @apiQuery(endpointsQuery)
  @ApiResponse({ status: 200, description: 'One page', schema: apiSchema(pageOf(endpointItem)) })
  @problemResponses(400, 401, 403, 503)
  async list(@Query() query: unknown): Promise<ListPage<EndpointItem>> {
    const { limit, after, client_id: askedClient, failing } = parse(endpointsQuery, query);
    const begins = after === undefined ? undefined : endpointPlace(after);
    const rows = await this.endpoints.list({ clientId: askedClient, isFailing: failing }, begins, limit + 1);
    const now = this.clock.now();
    return listPage(
      rows,
      limit,
      (row) => toItem(row, now),
      (row) => [row.client_id, row.service_id, row.interface_version, row.notification_type],
    );
  }
}

function endpointPlace(cursor: string): EndpointName {
  const [client_id, service_id, interface_version, notification_type] = partsOfCursor(cursor, place);
  return { client_id, service_id, interface_version, notification_type };
}

function toItem(view: EndpointView, now: Date): EndpointItem {
  const { client_id, service_id, interface_version, notification_type, failures, held_until: heldUntil } = view;
  return {
    client_id,
    service_id,
    interface_version,
    notification_type,
    breaker: breakerState({ failures, heldUntil }, now),
    failures,
    failing_since: view.failing_since?.toISOString() ?? null,
    last_failure_at: view.failed_at?.toISOString() ?? null,
    warned_at: view.warned_at?.toISOString() ?? null,
  };
}
