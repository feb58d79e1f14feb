import { Body, Controller, HttpCode, Inject, Param, Post, Query, Req, UseGuards } from '@nestjs/common';
import { type Command, CommandBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { apiSchema, BearerGuard, expectNothing, parse, problemResponses, RequireScope, traceOf } from '../http';
import { Clock } from '../platform';
import { Refused } from '../refusals';
import {
  dateOf,
  isSubscriptionId,
  type OrderResult,
  ResumeOrder,
  SuspendOrder,
  TerminateOrder,
} from '../subscriptions';
import { Audited, tell } from './operators-audit';
import { reasonText } from './operators-reason';
import { RecordedSubscriptions } from './recorded-subscriptions';
import { subscriptionItem, toSubscriptionItem } from './subscription-item';

/** Why an operator does it, and on whose behalf. */
const operatorsReason = z.strictObject({
  reason_text: reasonText,
  by: z.enum(['provider', 'operator']).default('operator'),
});

/** The subscription as it stands then (contract.md 4), and where in the log that is, for wait_for. */
const changedItem = subscriptionItem.extend({ position: z.string() });
type ChangedItem = z.output<typeof changedItem>;

type Verb = 'terminate' | 'suspend' | 'resume';

/** What operators do to one subscription, each with a reason, each an audit line. */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api/subscriptions/:id')
@UseGuards(BearerGuard)
@RequireScope('ops:write')
export class SubscriptionOrdersController {
  constructor(
    @Inject(CommandBus) private readonly commandBus: CommandBus,
    @Inject(RecordedSubscriptions) private readonly recorded: RecordedSubscriptions,
    @Inject(Clock) private readonly clock: Clock,
  ) {}

  @Post('terminate')
  @Audited('subscription.terminate')
  @HttpCode(200)
  @ApiOperation({ summary: 'End a subscription on behalf of the provider or the operator' })
  @ApiBody({ schema: apiSchema(operatorsReason) })
  @ApiResponse({ status: 200, description: 'It has ended', schema: apiSchema(changedItem) })
  @problemResponses(400, 401, 403, 404, 413, 415, 422, 503)
  terminate(
    @Param('id') id: string,
    @Body() body: unknown,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
  ): Promise<ChangedItem> {
    return this.order('terminate', { id, body, query, request });
  }

  @Post('suspend')
  @Audited('subscription.suspend')
  @HttpCode(200)
  @ApiOperation({ summary: 'Suspend a subscription; nothing is sent for it until it is resumed' })
  @ApiBody({ schema: apiSchema(operatorsReason) })
  @ApiResponse({ status: 200, description: 'It is suspended, by whomever', schema: apiSchema(changedItem) })
  @problemResponses(400, 401, 403, 404, 413, 415, 422, 503)
  suspend(
    @Param('id') id: string,
    @Body() body: unknown,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
  ): Promise<ChangedItem> {
    return this.order('suspend', { id, body, query, request });
  }

  @Post('resume')
  @Audited('subscription.resume')
  @HttpCode(200)
  @ApiOperation({ summary: 'Resume a subscription that a provider or an operator has suspended' })
  @ApiBody({ schema: apiSchema(operatorsReason) })
  @ApiResponse({ status: 200, description: 'It is active', schema: apiSchema(changedItem) })
  @problemResponses(400, 401, 403, 404, 413, 415, 422, 503)
  resume(
    @Param('id') id: string,
    @Body() body: unknown,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
  ): Promise<ChangedItem> {
    return this.order('resume', { id, body, query, request });
  }

  private async order(
    verb: Verb,
    { id, body, query, request }: { id: string; body: unknown; query: unknown; request: FastifyRequest },
  ): Promise<ChangedItem> {
    expectNothing(query);
    if (isSubscriptionId(id)) tell(request, { subscription_id: id });
    const { by, reason_text } = parse(operatorsReason, body);
    tell(request, { reason_text, details: { by } });
    if (!(await this.find(id))) throw new Refused('not_found', 'There is no such subscription.');
    const { recorded, standing } = await this.commandBus.execute(
      orders[verb](id, by, traceOf(request), this.clock.now()),
    );
    tell(request, { outcome: recorded ? 'done' : 'already_so' });
    return { ...toSubscriptionItem((await this.find(id))!), position: standing.position };
  }

  private find(id: string) {
    return isSubscriptionId(id) ? this.recorded.viewOf(id, dateOf(this.clock.now())) : Promise.resolve(undefined);
  }
}

type OrderArguments = ConstructorParameters<typeof SuspendOrder>;
type ByOperators = z.output<typeof operatorsReason>['by'];

const orders: Record<Verb, (id: string, by: ByOperators, trace: OrderArguments[2], now: Date) => Command<OrderResult>> =
  {
    terminate: (id, by, trace, now) => new TerminateOrder(id, by, trace, now),
    suspend: (id, by, trace, now) => new SuspendOrder(id, by, trace, now),
    resume: (id, by, trace, now) => new ResumeOrder(id, by, trace, now),
  };
