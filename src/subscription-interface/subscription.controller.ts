import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Patch,
  Post,
  Put,
  Query,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AccessTokenGuard, asBearerError, grantedIn } from '../grants';
import { apiSchema, expectNothing, parse, problemResponses, RouteIs, traceOf } from '../http';
import { GrantedSubscriptions } from './granted-subscriptions';

const takingUp = z.strictObject({
  end_date: z.iso.date().optional().meta({ description: 'Less than was granted; all of it when left out.' }),
});
const moving = z.strictObject({ end_date: z.iso.date() });
const agreed = z.strictObject({ subscription_id: z.string(), end_date: z.iso.date() });
const shown = agreed.extend({ status: z.enum(['active', 'suspended', 'terminated', 'expired']) });

/** The MedMij Subscription interface (ext.abo.subint.200-.202; routes and bodies decided, domain.md 5). */
@ApiTags('Subscription interface')
@ApiBearerAuth('access_token')
@Controller('Subscription')
@UseGuards(AccessTokenGuard)
export class SubscriptionController {
  constructor(@Inject(GrantedSubscriptions) private readonly subscriptions: GrantedSubscriptions) {}

  @Post()
  @RouteIs({ refusals: asBearerError })
  @ApiOperation({ summary: 'Enter into what was granted, or change the present subscription to it' })
  @ApiBody({ schema: apiSchema(takingUp), required: false })
  @ApiResponse({ status: 201, description: 'It was recorded', schema: apiSchema(agreed) })
  @ApiResponse({ status: 200, description: 'It stands so already, or a repeat', schema: apiSchema(agreed) })
  @problemResponses(400, 401, 403, 413, 415, 422, 503)
  async takeUp(
    @Body() body: unknown,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { recorded, standing } = await this.subscriptions.takeUp(grantedIn(request), traceOf(request), () => {
      expectNothing(query);
      return parse(takingUp, body ?? {}).end_date;
    });
    if (recorded) void reply.header('location', `/Subscription/${standing.subscription_id}`);
    await reply
      .status(recorded ? 201 : 200)
      .header('cache-control', 'no-store')
      .send(agreedOn(standing));
  }

  @Patch(':id')
  @RouteIs({ refusals: asBearerError })
  @ApiOperation({ summary: 'Move the end date; today ends it' })
  @ApiBody({ schema: apiSchema(moving) })
  @ApiResponse({ status: 200, description: 'How it stands now', schema: apiSchema(agreed) })
  @problemResponses(400, 401, 403, 404, 413, 415, 422, 503)
  change(
    @Param('id') id: string,
    @Body() body: unknown,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
  ): Promise<z.output<typeof agreed>> {
    return this.adjust(id, body, query, request);
  }

  @Put(':id')
  @RouteIs({ refusals: asBearerError })
  @ApiOperation({ summary: 'The same as PATCH' })
  @ApiBody({ schema: apiSchema(moving) })
  @ApiResponse({ status: 200, description: 'How it stands now', schema: apiSchema(agreed) })
  @problemResponses(400, 401, 403, 404, 413, 415, 422, 503)
  replace(
    @Param('id') id: string,
    @Body() body: unknown,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
  ): Promise<z.output<typeof agreed>> {
    return this.adjust(id, body, query, request);
  }

  @Delete(':id')
  @HttpCode(204)
  @RouteIs({ refusals: asBearerError })
  @ApiOperation({ summary: 'End it; repeating is no error' })
  @ApiResponse({ status: 204, description: 'It has ended' })
  @problemResponses(400, 401, 404, 503)
  async end(
    @Param('id') id: string,
    @Body() body: unknown,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    expectNothing(query, body);
    await this.subscriptions.end(grantedIn(request), id, traceOf(request));
  }

  @Get(':id')
  @RouteIs({ refusals: asBearerError })
  @ApiOperation({ summary: 'How it stands now' })
  @ApiResponse({ status: 200, description: 'The subscription', schema: apiSchema(shown) })
  @problemResponses(400, 401, 404, 503)
  async show(
    @Param('id') id: string,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
  ): Promise<z.output<typeof shown>> {
    expectNothing(query);
    const { subscription_id, end_date, status } = await this.subscriptions.show(
      grantedIn(request),
      id,
      traceOf(request),
    );
    return { subscription_id, end_date, status };
  }

  private async adjust(id: string, body: unknown, query: unknown, request: FastifyRequest) {
    const standing = await this.subscriptions.adjust(grantedIn(request), id, traceOf(request), () => {
      expectNothing(query);
      return parse(moving, body).end_date;
    });
    return agreedOn(standing);
  }
}

function agreedOn({ subscription_id, end_date }: z.output<typeof agreed>): z.output<typeof agreed> {
  return { subscription_id, end_date };
}
