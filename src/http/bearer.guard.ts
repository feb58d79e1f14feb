import { type CanActivate, type ExecutionContext, Inject, Injectable, Optional, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { Refused } from '../refusals';
import { OPERATOR_SESSIONS, type OperatorSessions } from './operator-sessions';
import type { TokenVerifier } from './token-verifier';

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Who asks: `sub` of the bearer token, the operator of the session, or the client of an access token; also one who may not
     * do what is asked.
     */
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

interface Caller {
  subject: string | undefined;
  scopes: readonly string[];
  by: 'token' | 'session';
}

/** Lets in who has the scope of the route: by a bearer token, and on the operators' routes by the session of the operator page too. */
@Injectable()
export class BearerGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    @Inject(AS_TOKENS) private readonly asTokens: TokenVerifier,
    @Inject(OPS_TOKENS) private readonly opsTokens: TokenVerifier,
    @Optional() @Inject(OPERATOR_SESSIONS) private readonly sessions?: OperatorSessions,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const scope = this.reflector.getAllAndOverride<TokenScope | undefined>(SCOPE, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (scope === undefined) throw new Error('A route behind the bearer guard names no scope.');
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const caller = (await this.operatorAt(request, scope)) ?? (await this.bearerOf(request, scope));
    request.caller = caller.subject;
    if (!caller.scopes.includes(scope)) throw new Refused('forbidden', `The ${caller.by} lacks the scope ${scope}.`);
    return true;
  }

  /** Whoever sends a token means it: then no cookie is looked at. */
  private async operatorAt(request: FastifyRequest, scope: TokenScope): Promise<Caller | undefined> {
    if (!this.sessions || !scope.startsWith('ops:') || request.headers.authorization !== undefined) return undefined;
    const operator = await this.sessions.operatorAt(request);
    return operator && { ...operator, by: 'session' };
  }

  private async bearerOf({ headers }: FastifyRequest, scope: TokenScope): Promise<Caller> {
    const token = bearer.exec(headers.authorization ?? '')?.[1];
    if (token === undefined) throw new Refused('unauthenticated', 'A bearer token is needed.');
    const claims = await (scope.startsWith('ops:') ? this.opsTokens : this.asTokens).verify(token);
    const scopes = typeof claims.scope === 'string' ? claims.scope.split(' ') : [];
    return { subject: claims.sub, scopes, by: 'token' };
  }
}
