import { type CanActivate, type ExecutionContext, Inject, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { Refused } from '../refusals';
import type { TokenVerifier } from './token-verifier';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks: `sub` of the bearer token, also of one that does not allow what is asked, or the client of an access token. */
    caller?: string;
  }
}

/** The scopes of bearer tokens (contract.md 1). */
export type TokenScope = 'authorizations:write' | 'resource-changes:write' | 'ops:read' | 'ops:write';

/** Injection tokens of the two verifiers: Authorization Servers and source systems; operators. */
export const AS_TOKENS = Symbol('AS_TOKENS');
export const OPS_TOKENS = Symbol('OPS_TOKENS');

const SCOPE = 'required token scope';

/** The scope a route asks for. A route behind a bearer guard without one answers nobody. */
export const RequireScope = (scope: TokenScope) => SetMetadata(SCOPE, scope);

/** RFC 6750 section 2.1: the header is the only place for a token. */
const bearer = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i;

@Injectable()
export class BearerGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    @Inject(AS_TOKENS) private readonly asTokens: TokenVerifier,
    @Inject(OPS_TOKENS) private readonly opsTokens: TokenVerifier,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const scope = this.reflector.getAllAndOverride<TokenScope | undefined>(SCOPE, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (scope === undefined) throw new Error('A route behind the bearer guard names no scope.');
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const token = bearer.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) throw new Refused('unauthenticated', 'A bearer token is needed.');
    const claims = await (scope.startsWith('ops:') ? this.opsTokens : this.asTokens).verify(token);
    request.caller = claims.sub;
    const granted = typeof claims.scope === 'string' ? claims.scope.split(' ') : [];
    if (!granted.includes(scope)) throw new Refused('forbidden', `The token lacks the scope ${scope}.`);
    return true;
  }
}
