import type { CalendarDate } from './end-date';
import type { EndReason, Party, ResumptionCause, SuspensionCause } from './subscription.events';

/**
 * Orders. Each carries `now`, for no rule looks at a clock. `authorizedAt` is the moment at which the person agreed, where a
 * person did.
 */
export interface Subscribe {
  type: 'Subscribe';
  party: Party;
  /** The stream on which a new subscription gets its id. */
  streamId: string;
  interfaceVersion: string;
  /** At least 1, already checked against the request and the provider's maximum. */
  grantedDays: number;
  authorizationId: string;
  authorizedAt: Date;
  now: Date;
}

/**
 * The client takes up what the person confirmed a while ago: our own authorization interface starts and changes at that moment
 * (domain.md 5), while a re-approval has taken effect at the confirmation, by `Reapprove`.
 */
export interface TakeUp extends Omit<Subscribe, 'type'> {
  type: 'TakeUp';
  /** Less than was granted; without it, all of it. */
  endDate?: CalendarDate;
}

/** The client moves the end date, within what was granted (domain.md 5). */
export interface Adjust {
  type: 'Adjust';
  subscriptionId: string;
  endDate: CalendarDate;
  grantedDays: number;
  /** When the person agreed to `grantedDays`, which count from that day on (domain.md 1, decided). */
  authorizedAt: Date;
  now: Date;
}

/** The person confirmed a consent statement, which resumes what a provider or an operator has suspended (domain.md 5 and 11). */
export interface Reapprove {
  type: 'Reapprove';
  authorizationId: string;
  authorizedAt: Date;
  now: Date;
}

export interface Terminate {
  type: 'Terminate';
  /** Which subscription is meant; without it, the one the stream has now. */
  subscriptionId?: string;
  reason: EndReason;
  authorizationId?: string;
  authorizedAt?: Date;
  now: Date;
}

/** The end date has come. */
export interface Expire {
  type: 'Expire';
  now: Date;
}

export interface Suspend {
  type: 'Suspend';
  subscriptionId: string;
  by: SuspensionCause;
  now: Date;
}

export interface Resume {
  type: 'Resume';
  subscriptionId: string;
  by: ResumptionCause;
  now: Date;
}

export type SubscriptionCommand = Subscribe | TakeUp | Reapprove | Adjust | Terminate | Expire | Suspend | Resume;

/** What holds while a command is carried out and no event of its stream says. */
export interface Circumstances {
  /** The whole client is suspended (domain.md 11): only shortenings, endings and what operators do to one subscription go through. */
  clientIsSuspended?: boolean;
}
