import { Controller, Get, Inject } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';

/** Injection token of the AsyncAPI document. */
export const ASYNC_API = Symbol('ASYNC_API');

@ApiExcludeController()
@Controller('asyncapi.json')
export class AsyncApiController {
  constructor(@Inject(ASYNC_API) private readonly document: object) {}

  @Get()
  get(): object {
    return this.document;
  }
}
