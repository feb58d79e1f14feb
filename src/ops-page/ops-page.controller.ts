import { Body, Controller, Get, Inject, type OnModuleInit, Param, Post, Query, Req, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { expectNothing, type Operator, parse, RouteIs } from '../http';
import { Refused } from '../refusals';
import { OperatorSignIns } from './operator-sign-ins';
import { PageFiles } from './page-files';

/** A part of the page to come back to after signing in; it goes into the fragment of an address of ours and nowhere else. */
const signInQuery = z.strictObject({
  to: z
    .string()
    .regex(/^\/[A-Za-z0-9/._~%?&=-]{0,500}$/)
    .default('/'),
});
/** Whatever else the issuer sends along is for the library to judge, or for nobody. */
const answerOfIssuer = z.object({ state: z.string().min(1).max(200).optional().catch(undefined) });

/** A name with the hash of its content in it, which never changes. */
const hashedName = /^[a-z]+-[A-Z0-9]{8}\.(css|js)$/;
const yearS = 365 * 24 * 3600;

/**
 * Only our own script, style and answers; no frame, no form, no window that knows this one. `no-store` for the page itself, so
 * that it is the one of the process that serves it.
 */
const pageHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** The operator page: one document, its parts, and signing in and out. What it shows it asks of the ops API. */
@ApiExcludeController()
@Controller('ops')
export class OpsPageController implements OnModuleInit {
  constructor(
    @Inject(OperatorSignIns) private readonly signIns: OperatorSignIns,
    @Inject(PageFiles) private readonly files: PageFiles,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {}

  /** The path of the page ends with a slash, which Nest would cut off a route of a controller. */
  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    fastify.get('/ops/', (request, reply) => this.page(request.query, reply));
  }

  @Get()
  async withoutSlash(@Query() query: unknown, @Res() reply: FastifyReply): Promise<void> {
    expectNothing(query);
    await reply.redirect('/ops/', 308);
  }

  @Get('assets/:file')
  async part(@Param('file') name: string, @Query() query: unknown, @Res() reply: FastifyReply): Promise<void> {
    expectNothing(query);
    const file = hashedName.test(name) ? this.files.find(name) : undefined;
    if (!file) throw new Refused('not_found');
    await reply.type(file.type).header('cache-control', `public, max-age=${yearS}, immutable`).send(file.content);
  }

  /** Who is signed in here. */
  @Get('session')
  async session(@Query() query: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    expectNothing(query);
    const operator: Operator | undefined = await this.signIns.operatorAt(request);
    if (!operator) throw new Refused('unauthenticated', 'Nobody is signed in at this browser.');
    await reply.header('cache-control', 'no-store').send({ subject: operator.subject, scopes: operator.scopes });
  }

  @Get('sign-in')
  @RouteIs({ answer: 'page' })
  async signIn(@Query() query: unknown, @Res() reply: FastifyReply): Promise<void> {
    const url = await this.signIns.begin(reply, parse(signInQuery, query).to);
    await reply.header('cache-control', 'no-store').redirect(url.href, 302);
  }

  /** Back from the issuer. The page says how it ended, for its script knows how to begin again. */
  @Get('sign-in/callback')
  @RouteIs({ answer: 'page' })
  async callback(@Query() query: unknown, @Res() reply: FastifyReply): Promise<void> {
    const { state } = parse(answerOfIssuer, query);
    const outcome = state === undefined ? { kind: 'over' as const } : await this.signIns.complete(reply, state);
    const to = outcome.kind === 'signed in' ? outcome.continueAt : `/sign-in/${outcome.kind.replace(' ', '-')}`;
    await reply.header('cache-control', 'no-store').redirect(`/ops/#${to}`, 303);
  }

  @Post('sign-out')
  async signOut(@Query() query: unknown, @Body() body: unknown, @Res() reply: FastifyReply): Promise<void> {
    expectNothing(query, body);
    await this.signIns.end(reply);
    await reply.status(204).send();
  }

  /** It holds nothing: whoever is not signed in gets as far as the button to do so. */
  private async page(query: unknown, reply: FastifyReply): Promise<void> {
    expectNothing(query);
    const file = this.files.find('index.html');
    if (!file) throw new Refused('not_found', 'The operator page was not built.');
    await reply.headers(pageHeaders).type(file.type).send(file.content);
  }
}
