import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { describeError, isOutage, type Logger } from '../platform';
import { type RefusalCode, refusals, Refused } from '../refusals';
import { answerKindOf, type RefusalAnswer, refusalFormOf } from './route-kind';
import type { RouteTable } from './route-table';

/** Seconds after which a caller may come back when we are overloaded or something we need is away. */
const retryAfterS = 1;

/** Fastify's and Nest's own refusals, in our words. */
const foreignCodes: Record<string, RefusalCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_MAX_PARAM_LENGTH: 'not_found',
};
const statusCodes = new Map<number, RefusalCode>([
  [403, 'forbidden'],
  [404, 'not_found'],
  [405, 'method_not_allowed'],
  [413, 'payload_too_large'],
  [415, 'unsupported_media_type'],
  [503, 'unavailable'],
]);

const bearerErrors: Partial<Record<RefusalCode, string>> = {
  unauthenticated: 'invalid_token',
  forbidden: 'insufficient_scope',
};

/** RFC 6750 section 3: the error by the name that it has there, what it means, and the page about it. */
export function bearerChallenge(error: string, code: RefusalCode, publicUrl: string): string {
  return `Bearer error="${error}", error_description="${refusals[code].title}", error_uri="${publicUrl}/errors/${error}"`;
}

/** Headers of every problem document. */
export function problemHeaders({ code }: Refused): Record<string, string> {
  return {
    'content-type': 'application/problem+json; charset=utf-8',
    'cache-control': 'no-store',
    ...(code === 'unavailable' && { 'retry-after': String(retryAfterS) }),
  };
}

declare module 'fastify' {
  interface FastifyRequest {
    /** With what it was refused, once it was. */
    refusal?: RefusalCode;
  }
}

/** Says a refusal to a person. How a page looks is not for the edge to know. */
export type AnswerInPage = (refused: Refused, request: FastifyRequest, reply: FastifyReply) => void;

/** Every error becomes a problem document (RFC 9457): a refusal says why, an outage asks to come back, a bug says nothing. On a route for persons it becomes a page. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly publicUrl: string,
    private readonly routes: RouteTable,
    private readonly log: Logger,
    private readonly answerInPage?: AnswerInPage,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    this.answer(error, request, http.getResponse<FastifyReply>());
  }

  /** Also used where Nest is not asked: errors of Fastify's own hooks. */
  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const refused = this.refusalOf(error, request, reply);
    request.refusal = refused.code;
    if (this.answerInPage && answerKindOf(request) === 'page') {
      if (refused.code === 'unavailable') void reply.header('retry-after', String(retryAfterS));
      return this.answerInPage(refused, request, reply);
    }
    const problem = this.problemOf(refused, request);
    const form = refusalFormOf(request);
    const { status, headers, body } = form ? form(problem, { refused, request, publicUrl: this.publicUrl }) : problem;
    void reply.status(status).headers(headers).send(body);
  }

  private problemOf(refused: Refused, request: FastifyRequest): RefusalAnswer {
    const challenge = this.challengeOf(refused, request);
    return {
      status: refusals[refused.code].status,
      headers: { ...problemHeaders(refused), ...(challenge !== undefined && { 'www-authenticate': challenge }) },
      body: this.documentOf(refused),
    };
  }

  /** The problem document itself, for the HTTP parser's refusals too, which have no request yet. */
  documentOf({ code, detail, faults }: Refused): string {
    const { status, title } = refusals[code];
    return JSON.stringify({ type: this.typeOf(code), title, status, detail, code, errors: faults });
  }

  private typeOf(code: RefusalCode): string {
    return `${this.publicUrl}/errors/${code}`;
  }

  /** RFC 6750 section 3: an error is named only when a token was sent, and not to one who tried another scheme. */
  private challengeOf({ code }: Refused, { headers }: FastifyRequest): string | undefined {
    const error = bearerErrors[code];
    const isBearer = /^Bearer(\s|$)/i.test(headers.authorization ?? '');
    if (error !== undefined && isBearer) {
      return bearerChallenge(error, code, this.publicUrl);
    }
    return code === 'unauthenticated' ? 'Bearer' : undefined;
  }

  private refusalOf(error: unknown, request: FastifyRequest, reply: FastifyReply): Refused {
    if (error instanceof Refused) return error;
    if (isOutage(error)) {
      this.log.warn({ request_id: request.ids?.requestId, error: describeError(error) }, 'request.unavailable');
      return new Refused('unavailable', 'Something the service depends on is away; try again.');
    }
    const code = foreignCode(error);
    if (code === 'not_found') return this.nothingThere(request, reply);
    if (code !== undefined) return new Refused(code);
    this.log.error({ request_id: request.ids?.requestId, error: describeError(error) }, 'request.failed');
    return new Refused('internal_error');
  }

  private nothingThere(request: FastifyRequest, reply: FastifyReply): Refused {
    const methods = this.routes.methodsOf(pathOf(request.url));
    // The path may fit and the parameter in it still be none, such as one that is too long.
    if (methods.length === 0 || methods.includes(request.method)) return new Refused('not_found');
    void reply.header('allow', methods.join(', '));
    return new Refused('method_not_allowed');
  }
}

/** The path of a request target in origin form or absolute form (RFC 9112 section 3.2), as the router reads it. */
function pathOf(target: string): string {
  return target.replace(/^https?:\/\/[^/]*/i, '').replace(/[?#].*$/s, '');
}

function foreignCode(error: unknown): RefusalCode | undefined {
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  if (typeof code === 'string' && foreignCodes[code]) return foreignCodes[code];
  const status = error instanceof HttpException ? error.getStatus() : statusCode;
  if (typeof status !== 'number') return undefined;
  return statusCodes.get(status) ?? (status >= 400 && status < 500 ? 'malformed_request' : undefined);
}
