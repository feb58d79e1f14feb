import { Body, Controller, HttpCode, Inject, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBasicAuth, ApiBody, ApiConsumes, ApiOperation, ApiResponse, ApiSecurity, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { apiSchema, problemResponses, RouteIs, traceOf } from '../http';
import { LOGGER, type Logger } from '../platform';
import { ClientAuthentication } from './client-authentication';
import { Grants } from './grants';
import { asTokenError, type TokenError, TokenRefused } from './token-refusal';

/** The parameters that are looked at; others are ignored (RFC 6749 section 3.2). */
const tokenRequest = z.object({
  grant_type: z.literal('authorization_code'),
  code: z.uuid(),
  redirect_uri: z.url().meta({ description: 'That of the authorization request.' }),
  client_id: z
    .string()
    .optional()
    .meta({ description: 'The host name on the client list that the certificate names.' }),
  client_secret: z.string().optional().meta({ description: 'Development only.' }),
  scope: z.string().optional().meta({ description: 'Not needed; must be what was granted.' }),
});
const tokenAnswer = z.strictObject({
  access_token: z.uuid(),
  token_type: z.literal('Bearer'),
  expires_in: z.int(),
  scope: z.string().meta({ description: 'subscribe~<days granted>/<provider>~<service id>' }),
});
const tokenErrorAnswer = z.strictObject({
  error: z.enum([
    'invalid_request',
    'invalid_client',
    'invalid_grant',
    'unauthorized_client',
    'unsupported_grant_type',
    'invalid_scope',
  ] satisfies TokenError[]),
  error_description: z.string(),
  error_uri: z.url(),
});

type Form = Partial<Record<string, string>>;

/** A code for a token (RFC 6749 section 4.1.3, core.tknint, ext.abo.tknint.200-.202). */
@ApiTags('Authorization interface')
@Controller('oauth/token')
export class TokenController {
  constructor(
    @Inject(Grants) private readonly grants: Grants,
    @Inject(ClientAuthentication) private readonly clients: ClientAuthentication,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @Post()
  @HttpCode(200)
  @RouteIs({ body: 'form', refusals: asTokenError })
  @ApiOperation({ summary: 'Exchange a code for an access token' })
  @ApiSecurity('mutual_tls')
  @ApiBasicAuth('development_secret')
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiBody({ schema: apiSchema(tokenRequest) })
  @ApiResponse({ status: 200, description: 'The token', schema: apiSchema(tokenAnswer) })
  @ApiResponse({ status: 400, description: 'RFC 6749 section 5.2', schema: apiSchema(tokenErrorAnswer) })
  @ApiResponse({ status: 401, description: 'invalid_client', schema: apiSchema(tokenErrorAnswer) })
  @problemResponses(503)
  async exchange(
    @Body() body: Record<string, string> | undefined,
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const form = withoutEmpty(body ?? {});
    const known = { ...traceOf(request), client_id: undefined as string | undefined };
    try {
      expectHeadersOf(request);
      // What stands in an address is written down on the way; a code or a secret must not be.
      if (Object.keys(query).length > 0) {
        throw new TokenRefused('invalid_request', 'The parameters belong into the body.');
      }
      known.client_id = this.clients.authenticate(request, form);
      request.caller = known.client_id;
      const token = await this.grants.exchange({
        ...codeIn(form),
        clientId: known.client_id,
        correlationId: known.correlation_id,
      });
      this.log.info({ ...known, authorization_id: token.authorizationId, scope: token.scope }, 'token.issued');
      await reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' }).send({
        access_token: token.accessToken,
        token_type: 'Bearer',
        expires_in: token.expiresInS,
        scope: token.scope,
      } satisfies z.output<typeof tokenAnswer>);
    } catch (error) {
      if (error instanceof TokenRefused) {
        this.log.info({ ...known, error: error.error, reason: error.reason }, 'token.refused');
      }
      throw error;
    }
  }
}

/** RFC 6749 section 3.2: a parameter without a value counts as left out. */
function withoutEmpty(form: Record<string, string>): Form {
  return Object.fromEntries(Object.entries(form).filter(([, value]) => value !== ''));
}

function codeIn(form: Form): { code: string; redirectUri: string; scope?: string } {
  const { grant_type: grantType, code, redirect_uri: redirectUri, scope } = form;
  if (grantType === undefined) throw new TokenRefused('invalid_request', 'The grant_type is missing.');
  if (grantType !== 'authorization_code') throw new TokenRefused('unsupported_grant_type');
  if (code === undefined) throw new TokenRefused('invalid_request', 'The code is missing.');
  if (redirectUri === undefined) throw new TokenRefused('invalid_request', 'The redirect_uri is missing.');
  return { code, redirectUri, scope };
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * core.tknint: both ids are sent, as UUIDs. That a MedMij-Request-ID was seen before is no fault here (decided): it is for tracing,
 * and against a repeat the code itself guards.
 */
function expectHeadersOf({ headers }: FastifyRequest): void {
  for (const name of ['MedMij-Request-ID', 'X-Correlation-ID']) {
    const value = headers[name.toLowerCase()];
    if (typeof value !== 'string' || !uuid.test(value)) {
      throw new TokenRefused('invalid_request', `The header ${name} is missing or is no UUID.`);
    }
  }
}
