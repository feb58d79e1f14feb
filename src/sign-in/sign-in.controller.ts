import { Body, Controller, Get, Inject, Post, Query, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { expectNothing, parse, RouteIs } from '../http';
import { FormTokens, heading, paragraph, sendPage } from '../screens';
import { SignIns } from './sign-ins';

/** Whatever else the issuer sends along is for the library to judge, or for nobody. */
const answerOfIssuer = z.object({ state: z.string().min(1).max(200).optional().catch(undefined) });
const signOutForm = z.strictObject({ form_token: z.string() });

const overPage = {
  status: 400,
  title: { nl: 'Inloggen is niet gelukt', en: 'Signing in did not work' },
  body: [
    heading({ nl: 'Inloggen is niet gelukt', en: 'Signing in did not work' }),
    paragraph({
      nl: 'U was te lang bezig met inloggen, of u heeft deze pagina al eerder gezien. Ga terug naar uw app en begin daar opnieuw. U mag dit venster sluiten.',
      en: 'Signing in took too long, or you have seen this page before. Go back to your app and start again there. You may close this window.',
    }),
  ],
};

const signedOutPage = {
  title: { nl: 'U bent uitgelogd', en: 'You are signed out' },
  body: [
    heading({ nl: 'U bent uitgelogd', en: 'You are signed out' }),
    paragraph({ nl: 'U mag dit venster sluiten.', en: 'You may close this window.' }),
  ],
};

/** Where the browser comes back from the issuer, and where a person signs out of the pages of one's own. */
@ApiExcludeController()
@Controller()
export class SignInController {
  constructor(
    @Inject(SignIns) private readonly signIns: SignIns,
    @Inject(FormTokens) private readonly forms: FormTokens,
  ) {}

  @Get('sign-in/callback')
  @RouteIs({ answer: 'page' })
  async callback(@Query() query: unknown, @Res() reply: FastifyReply): Promise<void> {
    const { state } = parse(answerOfIssuer, query);
    if (state === undefined || !(await this.signIns.complete(reply, state))) await sendPage(reply, overPage);
  }

  @Post('sign-out')
  @RouteIs({ body: 'form', answer: 'page' })
  async signOut(
    @Body() body: unknown,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    expectNothing(query);
    this.forms.check(request, '/sign-out', parse(signOutForm, body).form_token);
    await this.signIns.end(reply, 'person');
    await sendPage(reply, signedOutPage);
  }
}
