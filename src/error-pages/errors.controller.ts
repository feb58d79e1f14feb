import { Controller, Get, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { RouteIs } from '../http';
import { sendPage } from '../screens';
import { errorPage } from './error-page';
import { errorTexts } from './error-texts';

/** `error_uri` and `type` of every error lead here (contract.md 3). */
@ApiExcludeController()
@Controller('errors')
export class ErrorsController {
  @Get(':code')
  @RouteIs({ answer: 'page' })
  async error(@Param('code') code: string, @Res() reply: FastifyReply): Promise<void> {
    const text = new Map(Object.entries(errorTexts)).get(code);
    await sendPage(reply, text ? errorPage(200, code, text) : errorPage(404, 'not_found', errorTexts.not_found));
  }
}
