import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { apiQuery, apiSchema, BearerGuard, expectNothing, parse, problemResponses, RequireScope } from '../http';
import { DeadLetters, type DeadLetterView } from '../incoming-records';
import { Refused } from '../refusals';
import { type ListPage, listPage, momentText, pageOf, pageQuery, partsOfCursor } from './list-page';
import { Audited, tell } from './operators-audit';

const deadLettersQuery = z.strictObject(pageQuery);
const place = z.tuple([momentText, z.uuid()]);
const moment = z.iso.datetime();

/** One refused incoming record (contract.md 4); never its content, which holds a subject. */
const deadLetterItem = z.strictObject({
  dead_letter_id: z.uuid(),
  topic: z.string(),
  partition: z.int(),
  offset: z.string(),
  reason: z.string(),
  detail: z.string(),
  created_at: moment,
  replayed_at: moment.nullable(),
});

/** Records from Kafka that were refused in the last seven days, and their replay. */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api/dead-letters')
@UseGuards(BearerGuard)
export class DeadLettersController {
  constructor(@Inject(DeadLetters) private readonly deadLetters: DeadLetters) {}

  @Get()
  @RequireScope('ops:read')
  @ApiOperation({ summary: 'Refused incoming records, newest first' })
  @apiQuery(deadLettersQuery)
  @ApiResponse({ status: 200, description: 'One page', schema: apiSchema(pageOf(deadLetterItem)) })
  @problemResponses(400, 401, 403, 503)
  async list(@Query() query: unknown): Promise<ListPage<z.output<typeof deadLetterItem>>> {
    const { limit, after } = parse(deadLettersQuery, query);
    const [createdAt, deadLetterId] = after === undefined ? [] : partsOfCursor(after, place);
    const from = createdAt === undefined ? undefined : { createdAt, deadLetterId: deadLetterId! };
    const rows = await this.deadLetters.list(from, limit + 1);
    return listPage(rows, limit, toDeadLetterItem, (row) => [row.place, row.dead_letter_id]);
  }

  @Post(':id/replay')
  @Audited('dead_letter.replay')
  @HttpCode(202)
  @RequireScope('ops:write')
  @ApiOperation({ summary: 'Put a refused record on its topic again; it is judged anew' })
  @ApiResponse({ status: 202, description: 'It was sent', schema: apiSchema(deadLetterItem) })
  @problemResponses(400, 401, 403, 404, 409, 503)
  async replay(
    @Param('id') id: string,
    @Query() query: unknown,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<z.output<typeof deadLetterItem>> {
    expectNothing(query, body);
    const isId = z.uuid().safeParse(id).success;
    if (isId) tell(request, { details: { dead_letter_id: id } });
    const replayed = isId ? await this.deadLetters.replay(id) : undefined;
    if (!replayed) throw new Refused('not_found', 'There is no such dead letter.');
    if (replayed === 'not_retryable') {
      throw new Refused('not_retryable', 'The record was not kept whole, or was sealed under a key that is gone.');
    }
    return toDeadLetterItem(replayed);
  }
}

function toDeadLetterItem(view: DeadLetterView): z.output<typeof deadLetterItem> {
  return {
    dead_letter_id: view.dead_letter_id,
    topic: view.topic,
    partition: view.partition,
    offset: view.record_offset,
    reason: view.reason,
    detail: view.detail,
    created_at: view.created_at.toISOString(),
    replayed_at: view.replayed_at?.toISOString() ?? null,
  };
}
