import { Body, Controller, Inject, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { apiSchema, BearerGuard, expectNothing, parse, problemResponses, RequireScope, traceOf } from '../http';
import { standingSchema } from '../subscriptions';
import { AuthorizationIntake } from './authorization-intake';
import { authorizedRequest } from './authorized-request';

/** The HTTP door for Authorization Servers. */
@ApiTags('Authorization Server')
@ApiBearerAuth()
@Controller('authorizations')
@UseGuards(BearerGuard)
@RequireScope('authorizations:write')
export class AuthorizationsController {
  constructor(@Inject(AuthorizationIntake) private readonly intake: AuthorizationIntake) {}

  @Post()
  @ApiOperation({ summary: 'Hand in one authorized request: subscribe, adjust or terminate' })
  @ApiBody({ schema: apiSchema(authorizedRequest) })
  @ApiResponse({ status: 201, description: 'Something was recorded', schema: apiSchema(standingSchema) })
  @ApiResponse({
    status: 200,
    description: 'Already so, or a repeat: the stored answer',
    schema: apiSchema(standingSchema),
  })
  @problemResponses(400, 401, 403, 409, 413, 415, 422, 503)
  async accept(
    @Body() body: unknown,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    expectNothing(query);
    const { recorded, standing } = await this.intake.accept(parse(authorizedRequest, body), traceOf(request));
    await reply.status(recorded ? 201 : 200).send(standing);
  }
}
