import { Controller, Get, Inject, Query, Res, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { apiSchema, BearerGuard, expectNothing, problemResponses, RequireScope } from '../http';
import { liveFigures, LiveFigures } from './live-figures';
import { Statistics, statistics, type StatisticsAnswer } from './statistics';

/** The figures of the whole service, once or all the time. */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api')
@UseGuards(BearerGuard)
@RequireScope('ops:read')
export class StatsController {
  constructor(
    @Inject(Statistics) private readonly statistics: Statistics,
    @Inject(LiveFigures) private readonly live: LiveFigures,
  ) {}

  @Get('stats')
  @ApiOperation({
    summary: 'How much there is of everything, how far behind the readers of the log are, and who holds it back',
  })
  @ApiResponse({ status: 200, description: 'The figures', schema: apiSchema(statistics) })
  @problemResponses(400, 401, 403, 503)
  all(@Query() query: unknown): Promise<StatisticsAnswer> {
    expectNothing(query);
    return this.statistics.all();
  }

  @Get('stream')
  @ApiOperation({
    summary: 'The same, live, as server-sent events, with what the charts of the operator page need',
    description:
      'One message every two seconds; before the first one an event `history` with the points of the charts of the last hour, the ' +
      'newest as they came (the field `now` of each message), older ones put together, those of a time in which nobody listened ' +
      'half a minute long. It ends after a minute, so that whoever lost the right to it loses it; an EventSource comes back by itself.',
  })
  @ApiResponse({
    status: 200,
    description: 'Messages, each with figures as JSON',
    content: { 'text/event-stream': { schema: apiSchema(liveFigures) } },
  })
  @problemResponses(400, 401, 403, 503)
  async stream(@Query() query: unknown, @Res() reply: FastifyReply): Promise<void> {
    expectNothing(query);
    await reply.type('text/event-stream').header('cache-control', 'no-store').send(this.live.listen());
  }
}
