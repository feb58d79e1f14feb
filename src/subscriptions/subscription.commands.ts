import type { CalendarDate } from './end-date';
import type { EndReason, Party, Suspender } from './subscription.events';

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

/** The client moves the end date, within what was granted (domain.md 5). */
export interface Adjust {
  type: 'Adjust';
  subscriptionId: string;
  endDate: CalendarDate;
  /** The last end date that the grant allows: today + granted days. */
  latest: CalendarDate;
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
  by: Suspender;
  now: Date;
}

export interface Resume {
  type: 'Resume';
  subscriptionId: string;
  by: Suspender;
  now: Date;
}

export type SubscriptionCommand = Subscribe | Adjust | Terminate | Expire | Suspend | Resume;
