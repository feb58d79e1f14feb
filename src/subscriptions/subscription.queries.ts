import { Query } from '@nestjs/cqrs';
import { streamIdOf, type StreamTarget } from '../event-store';
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

/**
 * Every subscription of a person on a service of a provider that is active by the date of a moment, among those with the named
 * clients. Read from the log itself and found by the ids of their streams, so that one which was recorded a moment ago is among them.
 */
export class ActiveSubscriptionsQuery extends Query<ActiveSubscription[]> {
  readonly streamIds: readonly string[];

  constructor(
    personId: string,
    service: Pick<PartyNames, 'provider' | 'serviceId'>,
    clientIds: readonly string[],
    readonly now: Date,
  ) {
    super();
    this.streamIds = clientIds.map((clientId) => streamIdOf(personId, clientId, service.provider, service.serviceId));
  }
}

export interface ActiveSubscription {
  subscriptionId: string;
  /** Version of its stream as it was read. */
  version: number;
  party: Party;
  interfaceVersion: string;
}
