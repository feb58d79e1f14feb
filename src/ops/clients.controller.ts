import { Controller, Get, Inject, Param, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { apiQuery, apiSchema, BearerGuard, expectNothing, parse, problemResponses, RequireScope } from '../http';
import { type ClientItem, clientItem } from './client-item';
import { ClientRecords } from './client-records';
import { type ListPage, listPage, pageOf, pageQuery, partsOfCursor } from './list-page';

const clientsQuery = z.strictObject(pageQuery);
const place = z.tuple([z.string().min(1).max(255)]);

/** What operators ask about clients. */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api/clients')
@UseGuards(BearerGuard)
@RequireScope('ops:read')
export class ClientsController {
  constructor(@Inject(ClientRecords) private readonly clients: ClientRecords) {}

  @Get()
  @ApiOperation({ summary: 'Clients of the client list and suspended ones that have left it, by their ids' })
  @apiQuery(clientsQuery)
  @ApiResponse({ status: 200, description: 'One page', schema: apiSchema(pageOf(clientItem)) })
  @problemResponses(400, 401, 403, 503)
  async list(@Query() query: unknown): Promise<ListPage<ClientItem>> {
    const { limit, after } = parse(clientsQuery, query);
    const [afterId] = after === undefined ? [] : partsOfCursor(after, place);
    const items = await this.clients.list(afterId, limit + 1);
    return listPage(
      items,
      limit,
      (item) => item,
      ({ client_id }) => [client_id],
    );
  }

  @Get(':id')
  @ApiOperation({ summary: 'One client' })
  @ApiResponse({ status: 200, description: 'The client', schema: apiSchema(clientItem) })
  @problemResponses(400, 401, 403, 404, 503)
  async one(@Param('id') id: string, @Query() query: unknown): Promise<ClientItem> {
    expectNothing(query);
    this.clients.expectKnown(id);
    return this.clients.show(id);
  }
}
