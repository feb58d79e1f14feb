import { Query } from '@nestjs/cqrs';
import type { StreamTarget } from '../event-store';
import {
  type Once,
  type OrderingPerson,
  type OrderResult,
  type PartyNames,
  type Standing,
  streamOf,
  targetOf,
} from './order';
import type { Party } from './subscription.events';

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
