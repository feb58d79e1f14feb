import { Body, Controller, Get, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { expectNothing, parse, RouteIs, traceOf } from '../http';
import { FormTokens, type Page, sendPage } from '../screens';
import { type SignedIn, SignIns } from '../sign-in';
import { OwnSubscriptions } from './own-subscriptions';
import { canBeReapproved, endPage, listPage, paths, reapprovePage, signInPage, subscriptionPage } from './pages';

const listQuery = z.strictObject({ after: z.string().max(64).optional() });
/** Where a sign-in may lead: pages of this room. */
const signInQuery = z.strictObject({
  to: z.string().regex(/^\/my\/subscriptions(\/[0-9a-f.-]{1,64}(\/(end|re-approve))?)?$/),
});
const confirmation = z.strictObject({ form_token: z.string() });

/** The pages on which a signed-in person sees and ends own subscriptions, and gives permission again (domain.md 10, 11). */
@ApiExcludeController()
@Controller('my')
export class MySubscriptionsController {
  constructor(
    @Inject(SignIns) private readonly signIns: SignIns,
    @Inject(OwnSubscriptions) private readonly subscriptions: OwnSubscriptions,
    @Inject(FormTokens) private readonly forms: FormTokens,
  ) {}

  @Get('sign-in')
  @RouteIs({ answer: 'page' })
  async signIn(@Query() query: unknown, @Res() reply: FastifyReply): Promise<void> {
    await this.signIns.begin(reply, { purpose: 'person', continueAt: parse(signInQuery, query).to });
  }

  @Get('subscriptions')
  @RouteIs({ answer: 'page' })
  async list(@Query() query: unknown, @Res() reply: FastifyReply): Promise<void> {
    const { after } = parse(listQuery, query);
    await this.show(reply, paths.list, async (person) => {
      const { items, next } = await this.subscriptions.page(person, after);
      return listPage(items, next, this.forms.issue(reply, paths.signOut));
    });
  }

  @Get('subscriptions/:id')
  @RouteIs({ answer: 'page' })
  async one(@Param('id') id: string, @Query() query: unknown, @Res() reply: FastifyReply): Promise<void> {
    expectNothing(query);
    await this.show(reply, paths.one(id), async (person) =>
      subscriptionPage(await this.subscriptions.one(person, id), this.forms.issue(reply, paths.signOut)),
    );
  }

  @Get('subscriptions/:id/end')
  @RouteIs({ answer: 'page' })
  async askToEnd(@Param('id') id: string, @Query() query: unknown, @Res() reply: FastifyReply): Promise<void> {
    expectNothing(query);
    await this.show(reply, paths.end(id), async (person) =>
      endPage(await this.subscriptions.one(person, id), this.forms.issue(reply, paths.end(id))),
    );
  }

  @Post('subscriptions/:id/end')
  @RouteIs({ body: 'form', answer: 'page' })
  async end(
    @Param('id') id: string,
    @Body() body: unknown,
    @Query() query: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    expectNothing(query);
    await this.confirm(reply, paths.end(id), body, async (person) => {
      await this.subscriptions.end(person, id, traceOf(reply.request));
      await reply.redirect(paths.one(id), 303);
    });
  }

  @Get('subscriptions/:id/re-approve')
  @RouteIs({ answer: 'page' })
  async askToReapprove(@Param('id') id: string, @Query() query: unknown, @Res() reply: FastifyReply): Promise<void> {
    expectNothing(query);
    await this.show(reply, paths.reapprove(id), async (person) => {
      const item = await this.subscriptions.one(person, id);
      // Resumed, ended or taken over by an operator meanwhile: the page of the subscription says how it is.
      return canBeReapproved(item)
        ? reapprovePage(item, this.forms.issue(reply, paths.reapprove(id)))
        : subscriptionPage(item, this.forms.issue(reply, paths.signOut));
    });
  }

  @Post('subscriptions/:id/re-approve')
  @RouteIs({ body: 'form', answer: 'page' })
  async reapprove(
    @Param('id') id: string,
    @Body() body: unknown,
    @Query() query: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    expectNothing(query);
    await this.confirm(reply, paths.reapprove(id), body, async (person) => {
      await this.subscriptions.reapprove(person, id, traceOf(reply.request));
      await reply.redirect(paths.one(id), 303);
    });
  }

  /** A page for the person who is signed in; whoever is not is offered to, and comes back to `here`. */
  private async show(reply: FastifyReply, here: string, page: (person: SignedIn) => Promise<Page>): Promise<void> {
    const person = await this.personOr(reply, here);
    if (person) await sendPage(reply, await page(person));
  }

  /** What a form asks for. After a session has ended it is asked again, on the page of the form (domain.md 11). */
  private async confirm(
    reply: FastifyReply,
    here: string,
    body: unknown,
    work: (person: SignedIn) => Promise<void>,
  ): Promise<void> {
    this.forms.check(reply.request, here, parse(confirmation, body).form_token);
    const person = await this.personOr(reply, here);
    if (person) await work(person);
  }

  private async personOr(reply: FastifyReply, here: string): Promise<SignedIn | undefined> {
    const outcome = await this.signIns.outcome(reply.request, 'person');
    if (outcome?.kind === 'identified') return outcome.person;
    await sendPage(reply, signInPage(here, outcome?.kind ?? 'none'));
    return undefined;
  }
}
