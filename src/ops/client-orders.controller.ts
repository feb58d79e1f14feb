import { Body, Controller, HttpCode, Inject, Param, Post, Query, Req, UseGuards } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type ClientOrderResult, SuspendClientOrder } from '../clients';
import { ClientResumption } from '../endpoint-watch';
import type { Trace } from '../event-store';
import { apiSchema, BearerGuard, expectNothing, parse, problemResponses, RequireScope, traceOf } from '../http';
import { Clock } from '../platform';
import { clientItem } from './client-item';
import { ClientRecords } from './client-records';
import { Audited, tell } from './operators-audit';
import { reasonText } from './operators-reason';

const operatorsReason = z.strictObject({ reason_text: reasonText });

/** The client as it stands then (contract.md 4), and where in the log that is, for wait_for. */
const changedClient = clientItem.extend({
  position: z.string().nullable().meta({ description: 'Null when nothing was ever recorded about the client.' }),
});
type ChangedClient = z.output<typeof changedClient>;

/** What operators do to a whole client, each with a reason, each an audit line. */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api/clients/:id')
@UseGuards(BearerGuard)
@RequireScope('ops:write')
export class ClientOrdersController {
  constructor(
    @Inject(CommandBus) private readonly commandBus: CommandBus,
    @Inject(ClientResumption) private readonly resumption: ClientResumption,
    @Inject(ClientRecords) private readonly clients: ClientRecords,
    @Inject(Clock) private readonly clock: Clock,
  ) {}

  @Post('suspend')
  @Audited('client.suspend')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Suspend a client; nothing is sent to it, and it may only shorten and end, until it is resumed',
  })
  @ApiBody({ schema: apiSchema(operatorsReason) })
  @ApiResponse({ status: 200, description: 'It is suspended, for whatever reason', schema: apiSchema(changedClient) })
  @problemResponses(400, 401, 403, 404, 413, 415, 503)
  suspend(
    @Param('id') id: string,
    @Body() body: unknown,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
  ): Promise<ChangedClient> {
    return this.order({ id, body, query, request }, (trace, now) =>
      this.commandBus.execute(new SuspendClientOrder(id, 'operator', trace, now)),
    );
  }

  @Post('resume')
  @Audited('client.resume')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Resume a client, for whatever reason it is suspended, after a good look at each of its endpoints',
  })
  @ApiBody({ schema: apiSchema(operatorsReason) })
  @ApiResponse({ status: 200, description: 'It is not suspended', schema: apiSchema(changedClient) })
  @problemResponses(400, 401, 403, 404, 409, 413, 415, 503)
  resume(
    @Param('id') id: string,
    @Body() body: unknown,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
  ): Promise<ChangedClient> {
    return this.order({ id, body, query, request }, (trace, now) => this.resumption.resume(id, trace, now));
  }

  private async order(
    { id, body, query, request }: { id: string; body: unknown; query: unknown; request: FastifyRequest },
    execute: (trace: Trace, now: Date) => Promise<ClientOrderResult>,
  ): Promise<ChangedClient> {
    expectNothing(query);
    const { reason_text } = parse(operatorsReason, body);
    tell(request, { reason_text });
    this.clients.expectKnown(id);
    tell(request, { client_id: id });
    const { recorded, position } = await execute(traceOf(request), this.clock.now());
    tell(request, { outcome: recorded ? 'done' : 'already_so' });
    return { ...(await this.clients.show(id)), position: position ?? null };
  }
}
