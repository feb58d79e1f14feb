import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RouteIs } from '../http';
import { ListStore } from '../medmij-lists';
import { describeError } from '../platform';
import { FormTokens, sendPage } from '../screens';
import { Admission } from './admission';
import { AuthorizationAudit } from './authorization.audit';
import {
  type AuthorizationRequest,
  readAuthorizationRequest,
  RequestRefused,
  type RequestRules,
} from './authorization-request';
import { ClientAnswers } from './client-answers';
import { exceptionOf } from './exception-of';
import { interactionPaths, technicalErrorPage, pathWith } from './interaction.pages';

/** What the authorization request is judged by, for injection. */
export const REQUEST_RULES = Symbol('REQUEST_RULES');

/** The authorization endpoint (RFC 6749 section 3.1): judges the request, then hands the browser its interaction. */
@ApiExcludeController()
@Controller('oauth/authorize')
export class AuthorizationController {
  constructor(
    @Inject(ListStore) private readonly lists: ListStore,
    @Inject(Admission) private readonly admission: Admission,
    @Inject(ClientAnswers) private readonly answers: ClientAnswers,
    @Inject(FormTokens) private readonly forms: FormTokens,
    @Inject(AuthorizationAudit) private readonly audit: AuthorizationAudit,
    @Inject(REQUEST_RULES) private readonly rules: RequestRules,
  ) {}

  @Get()
  @RouteIs({ answer: 'page' })
  async authorize(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    let asked: AuthorizationRequest;
    try {
      asked = readAuthorizationRequest(queryOf(request), this.lists.current(), this.rules);
    } catch (error) {
      if (!(error instanceof RequestRefused)) throw error;
      return this.refuse(error, reply);
    }
    Object.assign(request.ids, { requestId: asked.requestId, correlationId: asked.correlationId });
    try {
      const handle = await this.admission.begin(asked, this.forms.knowBrowser(reply));
      await this.answers.redirect(reply, pathWith(interactionPaths.page, handle));
    } catch (error) {
      const exception = exceptionOf(error);
      if (exception === undefined) throw error;
      this.audit.failure(asked, exception, describeError(error));
      await this.answers.redirectWithError(reply, asked, exception);
    }
  }

  private async refuse({ exception, sentence, returnTo, ids }: RequestRefused, reply: FastifyReply): Promise<void> {
    this.audit.invalid({ ...ids, clientId: returnTo?.clientId }, exception, sentence);
    if (!returnTo) return sendPage(reply, technicalErrorPage());
    await this.answers.redirectWithError(reply, returnTo, exception, sentence);
  }
}

/** As it was sent: a parser that gathers what was given twice would hide it. */
function queryOf({ raw }: FastifyRequest): string {
  const target = raw.url ?? '';
  return target.includes('?') ? target.slice(target.indexOf('?') + 1) : '';
}
