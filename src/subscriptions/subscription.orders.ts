import { Command, Query } from '@nestjs/cqrs';
import { z } from 'zod';
import type { IdentityRow, StreamTarget, Trace } from '../event-store';
import type { CalendarDate } from './end-date';
import type { Adjust, Reapprove, Subscribe, SubscriptionCommand, TakeUp, Terminate } from './subscription.commands';
import type { Party, Resumer, Suspender } from './subscription.events';

/** How a subscription stands after an order: the body of the answer (contract.md 4). */
export const standingSchema = z.strictObject({
  subscription_id: z.string(),
  status: z.enum(['active', 'suspended', 'terminated', 'expired']),
  end_date: z.iso.date(),
  version: z.int().min(1),
  position: z.string().meta({ description: 'For wait_for; later ones sort higher as text.' }),
});
export type Standing = z.output<typeof standingSchema>;

/** `recorded`: something happened because of this order, now. A repeat or an order that changes nothing records nothing. */
export interface OrderResult {
  recorded: boolean;
  standing: Standing;
}

/** Makes an order take effect once: its sender's key, and what the request said. */
export interface Once {
  key: string;
  fingerprint: Buffer;
}

/** A person as an order names one: how to look it up, and the row to make for one not known yet. */
export interface OrderingPerson {
  subjectHash: Buffer;
  previousSubjectHash?: Buffer;
  newRow(): IdentityRow;
}

/** The stream an order turned out to be for. */
export interface OrderStream {
  streamId: string;
  personId: string;
}

/** A command on its way: which stream it is for, what caused it, and what to decide once the stream is known. */
export interface Order {
  target: StreamTarget;
  person?: OrderingPerson;
  once?: Once;
  trace: Trace;
  now: Date;
  command(stream: OrderStream): SubscriptionCommand;
}

/** When the person agreed, and under which id. */
export type Authorization = Pick<Subscribe, 'authorizationId' | 'authorizedAt'>;

/** What was agreed on; 0 days end the subscription (ext.abo.authint.200). */
export interface AuthorizedTerms {
  clientId: string;
  provider: string;
  serviceId: string;
  interfaceVersion: string;
  grantedDays: number;
}

/** The person agreed: to a subscription, to another end date of the present one, or with 0 days to its end. */
export class AuthorizedOrder extends Command<OrderResult> implements Order {
  readonly target: StreamTarget;

  constructor(
    readonly person: OrderingPerson,
    private readonly terms: AuthorizedTerms,
    private readonly authorization: Authorization,
    readonly once: Once,
    readonly trace: Trace,
    readonly now: Date,
  ) {
    super();
    this.target = targetOf(person, terms);
  }

  command({ streamId, personId }: OrderStream): Subscribe | Terminate {
    const { interfaceVersion, grantedDays } = this.terms;
    const { authorization, now } = this;
    if (grantedDays === 0) return { type: 'Terminate', reason: 'person', ...authorization, now };
    const party = partyOf(this.terms, personId);
    return { type: 'Subscribe', party, streamId, interfaceVersion, grantedDays, ...authorization, now };
  }
}

/** The client takes up a grant of our own authorization interface: it starts or changes the subscription (domain.md 5). */
export class TakeUpOrder extends Command<OrderResult> implements Order {
  readonly target: StreamTarget;

  /** @param endDate less than was granted; undefined for all of it */
  constructor(
    readonly person: OrderingPerson,
    private readonly terms: AuthorizedTerms,
    private readonly authorization: Authorization,
    private readonly endDate: CalendarDate | undefined,
    readonly once: Once,
    readonly trace: Trace,
    readonly now: Date,
  ) {
    super();
    this.target = targetOf(person, terms);
  }

  command({ streamId, personId }: OrderStream): TakeUp {
    const { interfaceVersion, grantedDays } = this.terms;
    const { authorization, endDate, now } = this;
    const party = partyOf(this.terms, personId);
    return { type: 'TakeUp', party, streamId, interfaceVersion, grantedDays, endDate, ...authorization, now };
  }
}

/**
 * The person confirmed a consent statement: a subscription that a provider or an operator has suspended resumes at once (domain.md 5
 * and 11). Nothing changes when there is none, it is active, or the whole client is suspended.
 */
export class ReapproveOrder extends Command<void> implements Order {
  readonly target: StreamTarget;

  constructor(
    readonly person: OrderingPerson,
    party: PartyNames,
    private readonly authorization: Authorization,
    readonly trace: Trace,
    readonly now: Date,
  ) {
    super();
    this.target = targetOf(person, party);
  }

  command(): Reapprove {
    return { type: 'Reapprove', ...this.authorization, now: this.now };
  }
}

/** The person, through the client, moves the end date of one subscription within the grant (domain.md 5). */
export class AdjustOrder extends Command<OrderResult> implements Order {
  readonly target: StreamTarget;

  constructor(
    private readonly subscriptionId: string,
    private readonly endDate: CalendarDate,
    private readonly grant: Pick<Adjust, 'grantedDays' | 'authorizedAt'>,
    readonly trace: Trace,
    readonly now: Date,
  ) {
    super();
    this.target = { streamId: streamOf(subscriptionId) };
  }

  command(): Adjust {
    const { subscriptionId, endDate, grant, now } = this;
    return { type: 'Adjust', subscriptionId, endDate, ...grant, now };
  }
}

/** One subscription, named by its id, ends: for the person's own reason, or for somebody else's. */
export class TerminateOrder extends Command<OrderResult> implements Order {
  readonly target: StreamTarget;

  constructor(
    private readonly subscriptionId: string,
    private readonly reason: Terminate['reason'],
    readonly trace: Trace,
    readonly now: Date,
  ) {
    super();
    this.target = { streamId: streamOf(subscriptionId) };
  }

  command(): Terminate {
    return { type: 'Terminate', subscriptionId: this.subscriptionId, reason: this.reason, now: this.now };
  }
}

/** One subscription rests: nothing is sent for it, and its tokens are not believed (domain.md 11). */
export class SuspendOrder extends Command<OrderResult> implements Order {
  readonly target: StreamTarget;

  constructor(
    private readonly subscriptionId: string,
    private readonly by: Suspender,
    readonly trace: Trace,
    readonly now: Date,
  ) {
    super();
    this.target = { streamId: streamOf(subscriptionId) };
  }

  command(): SubscriptionCommand {
    return { type: 'Suspend', subscriptionId: this.subscriptionId, by: this.by, now: this.now };
  }
}

/** A suspended subscription goes on; by the person it is a re-approval on a page of ours (domain.md 11). */
export class ResumeOrder extends Command<OrderResult> implements Order {
  readonly target: StreamTarget;

  constructor(
    private readonly subscriptionId: string,
    private readonly by: Resumer,
    readonly trace: Trace,
    readonly now: Date,
  ) {
    super();
    this.target = { streamId: streamOf(subscriptionId) };
  }

  command(): SubscriptionCommand {
    return { type: 'Resume', subscriptionId: this.subscriptionId, by: this.by, now: this.now };
  }
}

/** The day border passed for a stream. */
export class ExpireOrder extends Command<OrderResult> implements Order {
  readonly target: StreamTarget;

  constructor(
    streamId: string,
    readonly trace: Trace,
    readonly now: Date,
  ) {
    super();
    this.target = { streamId };
  }

  command(): SubscriptionCommand {
    return { type: 'Expire', now: this.now };
  }
}

/** Whether an order by this key was carried out before, and with which answer. */
export class AnswerQuery extends Query<OrderResult | undefined> {
  constructor(readonly once: Once) {
    super();
  }
}

/** One subscription as it stands by the date of a moment; undefined when there is none by that id. */
export class SubscriptionQuery extends Query<SubscriptionNow | undefined> {
  readonly target: StreamTarget;

  constructor(
    readonly subscriptionId: string,
    readonly now: Date,
  ) {
    super();
    this.target = { streamId: streamOf(subscriptionId) };
  }
}

/** The same among those of one person, client, provider and service: by its id, or the latest of them. */
export class OwnSubscriptionQuery extends Query<SubscriptionNow | undefined> {
  readonly target: StreamTarget;

  constructor(
    person: Pick<OrderingPerson, 'subjectHash' | 'previousSubjectHash'>,
    party: PartyNames,
    readonly subscriptionId: string | undefined,
    readonly now: Date,
  ) {
    super();
    this.target = targetOf(person, party);
  }
}

/** Read from the log itself, so that it shows what was recorded a moment ago. */
export interface SubscriptionNow {
  party: Party;
  standing: Omit<Standing, 'version' | 'position'>;
}

/** `<stream uuid>.<n>`: no table is needed to find the stream of a subscription. */
export function streamOf(subscriptionId: string): string {
  return subscriptionId.slice(0, subscriptionId.indexOf('.'));
}

type PartyNames = Pick<AuthorizedTerms, 'clientId' | 'provider' | 'serviceId'>;

function targetOf(
  { subjectHash, previousSubjectHash }: Pick<OrderingPerson, 'subjectHash' | 'previousSubjectHash'>,
  party: PartyNames,
): StreamTarget {
  return { subjectHash, previousSubjectHash, names: [party.clientId, party.provider, party.serviceId] };
}

function partyOf({ clientId, provider, serviceId }: PartyNames, personId: string): Party {
  return { client_id: clientId, provider, service_id: serviceId, person_id: personId };
}

/** Whether a text has the form of one of our subscription ids. */
export function isSubscriptionId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[1-9][0-9]{0,8}$/.test(text);
}
