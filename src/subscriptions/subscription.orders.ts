import { Command, Query } from '@nestjs/cqrs';
import { z } from 'zod';
import type { IdentityRow, StreamTarget, Trace } from '../event-store';
import type { Subscribe, SubscriptionCommand, Terminate } from './subscription.commands';

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
    private readonly authorization: Pick<Subscribe, 'authorizationId' | 'authorizedAt'>,
    readonly once: Once,
    readonly trace: Trace,
    readonly now: Date,
  ) {
    super();
    const { subjectHash, previousSubjectHash } = person;
    this.target = { subjectHash, previousSubjectHash, names: [terms.clientId, terms.provider, terms.serviceId] };
  }

  command({ streamId, personId }: OrderStream): Subscribe | Terminate {
    const { clientId, provider, serviceId, interfaceVersion, grantedDays } = this.terms;
    const { authorization, now } = this;
    if (grantedDays === 0) return { type: 'Terminate', reason: 'person', ...authorization, now };
    const party = { client_id: clientId, provider, service_id: serviceId, person_id: personId };
    return { type: 'Subscribe', party, streamId, interfaceVersion, grantedDays, ...authorization, now };
  }
}

/** Somebody other than the person ends one subscription. */
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

/** `<stream uuid>.<n>`: no table is needed to find the stream of a subscription. */
export function streamOf(subscriptionId: string): string {
  return subscriptionId.slice(0, subscriptionId.indexOf('.'));
}

/** Whether a text has the form of one of our subscription ids. */
export function isSubscriptionId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[1-9][0-9]{0,8}$/.test(text);
}
