import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { bearerChallenge, type RefusalForm, traceOf } from '../http';
import { ListStore } from '../medmij-lists';
import { LOGGER, type Logger } from '../platform';
import { Refused } from '../refusals';
import { ClientCertificates } from './client-certificates';
import type { Granted, TokenFault } from './grant';
import { Grants } from './grants';

declare module 'fastify' {
  interface FastifyRequest {
    granted?: Granted;
  }
}

/** RFC 6750 section 2.1: the header is the only place for a token. */
const bearer = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i;

/**
 * Lets a request through that brings a living access token, and on the backchannel only from the client it was issued to. One that
 * is unknown, expired, revoked or another's is refused in the same words.
 */
@Injectable()
export class AccessTokenGuard implements CanActivate {
  constructor(
    @Inject(Grants) private readonly grants: Grants,
    @Inject(ClientCertificates) private readonly certificates: ClientCertificates,
    @Inject(ListStore) private readonly lists: ListStore,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const token = bearer.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) throw invalidToken();
    // RFC 6750 section 2: one method in a request; the two others are not even read.
    if ([request.query, request.body].some((place) => isNamedIn(place))) {
      throw new Refused('malformed_request', 'The token belongs into the Authorization header only.');
    }
    const found = await this.grants.ofToken(token);
    const granted: Granted | TokenFault =
      typeof found === 'object' && !this.mayUse(found, request) ? 'other_client' : found;
    if (typeof granted === 'string') {
      this.log.info({ ...traceOf(request), reason: granted }, 'access_token.refused');
      throw invalidToken();
    }
    request.granted = granted;
    request.caller = granted.clientId;
    return true;
  }

  private mayUse({ clientId }: Granted, request: FastifyRequest): boolean {
    if (!this.certificates.areExpected(request)) return true;
    return Boolean(this.certificates.of(request)?.names(clientId)) && this.lists.current().isWhitelisted(clientId);
  }
}

/** The same for every token that is not believed, so that nobody can tell a suspended one from one that never was. */
export function invalidToken(): Refused {
  return new Refused('unauthenticated', 'An access token is needed that is valid now.');
}

/** What the token of a request stands for; only behind the guard. */
export function grantedIn({ granted }: FastifyRequest): Granted {
  if (!granted) throw new Error('A route that reads the grant stands behind no access token guard.');
  return granted;
}

function isNamedIn(place: unknown): boolean {
  return typeof place === 'object' && place !== null && Object.hasOwn(place, 'access_token');
}

/** RFC 6750 section 3: at a door for access tokens a malformed request is challenged too. The others are everywhere. */
export const asBearerError: RefusalForm = (problem, { refused, request, publicUrl }) => {
  const isBearer = /^Bearer(\s|$)/i.test(request.headers.authorization ?? '');
  if (refused.code !== 'malformed_request' || !isBearer) return problem;
  const challenge = bearerChallenge('invalid_request', refused.code, publicUrl);
  return { ...problem, headers: { ...problem.headers, 'www-authenticate': challenge } };
};
