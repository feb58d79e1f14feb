import { Body, Controller, Get, Inject, Post, Query, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { parse, RouteIs } from '../http';
import { ListStore } from '../medmij-lists';
import { describeError } from '../platform';
import { FormTokens, sendPage } from '../screens';
import { type Purpose, SignIns } from '../sign-in';
import { AuthorizationAudit } from './authorization.audit';
import { ClientAnswers } from './client-answers';
import { Decisions } from './decisions';
import { exceptionOf } from './exception-of';
import type { ExceptionName } from './exceptions';
import { type InteractionAddress, InteractionHandles, isBegunBy } from './interaction-handle';
import { formOf, interactionPaths, otherBrowserPage, pathWith, technicalErrorPage } from './interaction.pages';
import { InteractionScreens } from './interaction.screens';
import { Interactions, type Stage } from './interactions';

/** What other systems may have added to the address is not looked at. */
const pageQuery = z.object({ id: z.string() });
const formBody = z.object({ interaction: z.string(), form_token: z.string() });

/** One request of a browser about its interaction. */
interface Visit {
  request: FastifyRequest;
  reply: FastifyReply;
  handle: string;
  address: InteractionAddress;
}

/** The pages between the authorization request and its answer, and the person's answers. */
@ApiExcludeController()
@Controller('oauth/interaction')
export class InteractionController {
  constructor(
    @Inject(Interactions) private readonly interactions: Interactions,
    @Inject(InteractionHandles) private readonly handles: InteractionHandles,
    @Inject(Decisions) private readonly decisions: Decisions,
    @Inject(InteractionScreens) private readonly screens: InteractionScreens,
    @Inject(ClientAnswers) private readonly answers: ClientAnswers,
    @Inject(SignIns) private readonly signIns: SignIns,
    @Inject(FormTokens) private readonly forms: FormTokens,
    @Inject(ListStore) private readonly lists: ListStore,
    @Inject(AuthorizationAudit) private readonly audit: AuthorizationAudit,
  ) {}

  /** Where the interaction stands: the landing page, the statement, the page of a refusal, or the way back. */
  @Get()
  @RouteIs({ answer: 'page' })
  async page(@Query() query: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.look(query, request, reply, 'Abonneren 5', async (visit) => {
      const { address } = visit;
      const stage = await this.interactions.stageOf(address, () => this.signIns.outcome(request, purposeOf(address)));
      await this.answer(visit, stage);
    });
  }

  @Get('sign-in')
  @RouteIs({ answer: 'page' })
  async signIn(@Query() query: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.look(query, request, reply, 'temporarily_unavailable', async (visit) => {
      const { address, handle } = visit;
      const stage = await this.interactions.stageOf(address, notSignedIn);
      if (stage.at !== 'landing') return this.answer(visit, stage);
      try {
        const continueAt = pathWith(interactionPaths.page, handle);
        await this.signIns.begin(reply, { purpose: purposeOf(address), continueAt });
        this.audit.step(address, 'authorization.sign_in_begun');
      } catch (error) {
        if (exceptionOf(error) !== 'temporarily_unavailable') throw error;
        this.audit.failure(address, 'temporarily_unavailable', describeError(error));
        await this.answer(visit, await this.interactions.fail(address, 'temporarily_unavailable'));
      }
    });
  }

  @Get('cancel')
  @RouteIs({ answer: 'page' })
  async cancel(@Query() query: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.look(query, request, reply, 'temporarily_unavailable', async (visit) => {
      const stage = await this.interactions.stageOf(visit.address, notSignedIn);
      if (stage.at !== 'landing') return this.answer(visit, stage);
      await this.screens.show(reply, visit.address, visit.handle, { at: 'cancelling' });
    });
  }

  /** The person says yes to the statement. */
  @Post('decision')
  @RouteIs({ body: 'form', answer: 'page' })
  async decision(@Body() body: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { interaction: handle, form_token: token } = parse(formBody, body);
    await this.visit(handle, request, reply, 'Abonneren 5', async (visit) => {
      const { address } = visit;
      this.forms.check(request, formOf(interactionPaths.decision, address.interactionId), token);
      if (!this.isTheirs(visit)) return sendPage(reply, otherBrowserPage());
      const signedIn = await this.signIns.outcome(request, purposeOf(address));
      // A session that ended meanwhile: sign in once more, and go on where it was (domain.md 11).
      if (signedIn?.kind !== 'identified') return this.backToPage(visit);
      const { person } = signedIn;
      const decided = await this.decisions.sayYes(address, person, this.interactions.fingerprintOf(address, person));
      switch (decided.kind) {
        case 'granted':
          return this.answers.redirect(reply, decided.location);
        case 'failed':
          return this.answers.redirectWithError(reply, address, decided.exception);
        case 'answered':
          return this.screens.show(reply, address, handle, { at: 'answered' });
        case 'not_asked':
          return this.backToPage(visit);
      }
    });
  }

  /** The person says no, cancels, or goes back from the page of a refusal. */
  @Post('leave')
  @RouteIs({ body: 'form', answer: 'page' })
  async leave(@Body() body: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { interaction: handle, form_token: token } = parse(formBody, body);
    await this.visit(handle, request, reply, 'Abonneren 5', async (visit) => {
      const { address } = visit;
      // When the time is up, nothing is left that a stranger could spoil, and a browser that lost its cookies gets back too.
      if (!this.interactions.isExpired(address)) {
        this.forms.check(request, formOf(interactionPaths.leave, address.interactionId), token);
        if (!this.isTheirs(visit)) return sendPage(reply, otherBrowserPage());
      }
      await this.goBack(visit);
    });
  }

  /** Where a page goes by itself when the time is up. */
  @Get('leave')
  @RouteIs({ answer: 'page' })
  async leaveExpired(
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.visit(parse(pageQuery, query).id, request, reply, 'Abonneren 5', async (visit) => {
      // An address alone ends nothing: any page anywhere could lead a browser to it.
      if (!this.interactions.isExpired(visit.address)) return this.backToPage(visit);
      await this.goBack(visit);
    });
  }

  private async look(
    query: unknown,
    request: FastifyRequest,
    reply: FastifyReply,
    whenAway: ExceptionName,
    work: (visit: Visit) => Promise<void>,
  ): Promise<void> {
    await this.visit(parse(pageQuery, query).id, request, reply, whenAway, async (visit) => {
      if (this.interactions.isExpired(visit.address)) return this.goBack(visit);
      if (!this.isTheirs(visit)) return sendPage(reply, otherBrowserPage());
      await work(visit);
    });
  }

  /** Whatever goes wrong from here on, the browser gets back to the client. `whenAway`: what it says when something is away. */
  private async visit(
    handle: string,
    request: FastifyRequest,
    reply: FastifyReply,
    whenAway: ExceptionName,
    work: (visit: Visit) => Promise<void>,
  ): Promise<void> {
    const address = this.handles.open(handle);
    // The client may have left the list since.
    if (!address || !this.lists.current().client(address.clientId)) {
      return sendPage(reply, technicalErrorPage());
    }
    request.ids.correlationId = address.correlationId;
    try {
      await work({ request, reply, handle, address });
    } catch (error) {
      const exception = exceptionOf(error);
      if (exception === undefined) throw error;
      const told = exception === 'temporarily_unavailable' ? whenAway : exception;
      this.audit.failure(address, told, describeError(error));
      await this.answers.redirectWithError(reply, address, told);
    }
  }

  private async answer(visit: Visit, stage: Stage): Promise<void> {
    const { reply, address, handle } = visit;
    if (stage.at === 'end') return this.goBack(visit);
    if (stage.at === 'failure') return this.answers.redirectWithError(reply, address, stage.exception);
    await this.screens.show(reply, address, handle, stage);
  }

  /** Without a yes. What was answered before stays answered. */
  private async goBack({ reply, address, handle }: Visit): Promise<void> {
    const { outcome, exception, isDecided } = await this.interactions.leave(address);
    if (outcome === 'failed') return this.answers.redirectWithError(reply, address, exception as 'Abonneren 5');
    if (isDecided) return this.screens.show(reply, address, handle, { at: 'answered' });
    await this.answers.deny(reply, address);
  }

  private backToPage({ reply, handle }: Visit): Promise<void> {
    return this.answers.redirect(reply, pathWith(interactionPaths.page, handle));
  }

  private isTheirs({ request, address }: Visit): boolean {
    return isBegunBy(address, this.forms.browserOf(request));
  }
}

const purposeOf = ({ interactionId }: InteractionAddress): Purpose => `interaction:${interactionId}`;

const notSignedIn = () => Promise.resolve(undefined);
