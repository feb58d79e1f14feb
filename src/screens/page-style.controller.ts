import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { expectNothing } from '../http';
import { Refused } from '../refusals';
import { pageStyle, pageStylePath } from './page-style';

const yearS = 365 * 24 * 3600;

/** The sheet that every page names. */
@ApiExcludeController()
@Controller('screens')
export class PageStyleController {
  @Get(':file')
  async sheet(@Param('file') file: string, @Query() query: unknown, @Res() reply: FastifyReply): Promise<void> {
    expectNothing(query);
    if (!/^page-[0-9a-f]{16}\.css$/.test(file)) throw new Refused('not_found');
    // During a roll-out a page of one process may ask another one for a sheet that it does not have: better this one than none.
    const isThisOne = pageStylePath.endsWith(`/${file}`);
    await reply
      .type('text/css; charset=utf-8')
      .header('cache-control', isThisOne ? `public, max-age=${yearS}, immutable` : 'no-store')
      .send(pageStyle);
  }
}
