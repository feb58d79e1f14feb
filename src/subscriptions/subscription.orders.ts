import { Command } from '@nestjs/cqrs';
import type { StreamTarget, Trace } from '../event-store';
import type { CalendarDate } from './end-date';
import {
  type Authorization,
  type AuthorizedTerms,
  type Once,
  type Order,
  type OrderingPerson,
  type OrderResult,
  type OrderStream,
  type PartyNames,
  partyOf,
  streamOf,
  targetOf,
} from './order';
import type { Adjust, Reapprove, Subscribe, SubscriptionCommand, TakeUp, Terminate } from './subscription.commands';
import type { ResumptionCause, SuspensionCause } from './subscription.events';

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

/**
 * The person confirmed the termination statement on a page of ours. Whoever is here agrees now, so nothing that another clock dates a
 * little ahead makes it stale: an ending is never refused (domain.md 5).
 */
export class ConfirmedEndingOrder extends Command<OrderResult> implements Order {
  readonly target: StreamTarget;

  constructor(
    readonly person: OrderingPerson,
    party: PartyNames,
    private readonly authorizationId: string,
    readonly once: Once,
    readonly trace: Trace,
    readonly now: Date,
  ) {
    super();
    this.target = targetOf(person, party);
  }

  command(): Terminate {
    return { type: 'Terminate', reason: 'person', authorizationId: this.authorizationId, now: this.now };
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
    private readonly by: SuspensionCause,
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
    private readonly by: ResumptionCause,
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
