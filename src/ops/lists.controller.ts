import { Controller, Get, Inject, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { apiSchema, BearerGuard, expectNothing, problemResponses, RequireScope } from '../http';
import { type ListStatus, ListStore } from '../medmij-lists';
import { listItem } from './list-item';

/** How the MedMij lists stand in the process that answers. */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api/lists')
@UseGuards(BearerGuard)
@RequireScope('ops:read')
export class ListsController {
  constructor(@Inject(ListStore) private readonly lists: ListStore) {}

  @Get()
  @ApiOperation({ summary: 'The MedMij lists in use' })
  @ApiResponse({
    status: 200,
    description: 'All lists',
    schema: apiSchema(z.strictObject({ items: z.array(listItem), next: z.null() })),
  })
  @problemResponses(400, 401, 403)
  all(@Query() query: unknown): { items: ListStatus[]; next: null } {
    expectNothing(query);
    return { items: this.lists.status(), next: null };
  }
}
