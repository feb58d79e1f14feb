import { Body, Controller, HttpCode, Inject, Post, Query, Req, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { PersonErasure } from '../erasure';
import {
  apiSchema,
  BearerGuard,
  expectNothing,
  parse,
  personFields,
  problemResponses,
  RequireScope,
  traceOf,
} from '../http';
import { KnownPersons, PersonIdentities } from '../persons';
import { Refused } from '../refusals';
import { Audited, tell } from './operators-audit';
import { reasonText } from './operators-reason';

/** A person by the random id of the events, or as an issuer knows them; never both, for they could be two (contract.md 4). */
const personToErase = z
  .strictObject({
    person_id: z.uuid().optional().meta({ description: 'The random id, as events and items have it.' }),
    subject: personFields.subject.optional(),
    issuer: personFields.issuer,
    reason_text: reasonText.optional(),
  })
  .refine(({ person_id, subject }) => (person_id === undefined) !== (subject === undefined), {
    message: 'either person_id or subject is needed',
  })
  .refine(({ subject, issuer }) => subject !== undefined || issuer === undefined, {
    path: ['issuer'],
    message: 'goes with a subject only',
  })
  // What an operator writes is kept for years; the subject must not be.
  .refine(({ subject, reason_text }) => subject === undefined || !reason_text?.includes(subject), {
    path: ['reason_text'],
    message: 'must not name the person',
  });

const erased = z.strictObject({
  person_id: z.uuid(),
  ended: z.int().min(0).meta({ description: 'Subscriptions that ended by this request.' }),
});

/** What operators do about persons. */
@ApiTags('Operators')
@ApiBearerAuth()
@Controller('ops/api/persons')
@UseGuards(BearerGuard)
export class PersonsController {
  constructor(
    @Inject(PersonErasure) private readonly erasure: PersonErasure,
    @Inject(PersonIdentities) private readonly identities: PersonIdentities,
    @Inject(KnownPersons) private readonly persons: KnownPersons,
  ) {}

  @Post('erase')
  @Audited('persons.erase')
  @HttpCode(200)
  @RequireScope('ops:write')
  @ApiOperation({
    summary:
      'End the subscriptions of a person and forget who it was; the history stays, of a random id that nobody has',
  })
  @ApiBody({ schema: apiSchema(personToErase) })
  @ApiResponse({ status: 200, description: 'Nobody can say any more who that was', schema: apiSchema(erased) })
  @problemResponses(400, 401, 403, 404, 413, 415, 503, 504)
  async erase(
    @Body() body: unknown,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
  ): Promise<z.output<typeof erased>> {
    expectNothing(query);
    const { reason_text, ...asked } = parse(personToErase, body);
    const personId = await this.idOf(asked);
    tell(request, { reason_text, ...(personId !== undefined && { details: { person_id: personId } }) });
    if (personId === undefined) throw new Refused('not_found', 'There is no such person.');
    const ended = await this.erasure.erase({ personId, trace: traceOf(request) });
    tell(request, { details: { ended } });
    return { person_id: personId, ended };
  }

  /** The random id of somebody the identity table knows; undefined also for one who was erased before. */
  private async idOf({
    person_id: personId,
    subject,
    issuer,
  }: {
    person_id?: string;
    subject?: string;
    issuer?: string;
  }): Promise<string | undefined> {
    if (subject !== undefined) return this.persons.idOf(this.identities.of(subject, issuer));
    return (await this.persons.knows(personId!)) ? personId : undefined;
  }
}
