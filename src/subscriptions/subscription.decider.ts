import { Refused } from '../refusals';
import { addDays, type CalendarDate, dateOf, hasEnded } from './end-date';
import type { Subscribe, SubscriptionCommand, Terminate } from './subscription.commands';
import type { EndReason, Party, SubscriptionEvent, SubscriptionStatus, Suspender } from './subscription.events';

/** A stream is the life of all subscriptions, one after the other, of one person, client, provider and service. */
export interface SubscriptionState {
  /** Subscriptions begun so far; the n-th has the id `<stream id>.<n>`. */
  begun: number;
  /** The latest of them, ended or not. */
  latest?: Subscription;
  /** When the person last agreed to something that took effect here (RFC 3339). */
  lastAuthorizedAt?: string;
}

export interface Subscription {
  subscriptionId: string;
  party: Party;
  interfaceVersion: string;
  status: SubscriptionStatus;
  endDate: CalendarDate;
  suspendedBy?: Suspender;
}

export const initialState: SubscriptionState = { begun: 0 };

/** An authorization may lie this far ahead of our clock (decided). */
const clockSkewMs = 5 * 60 * 1000;

export function evolve(state: SubscriptionState, { type, data }: SubscriptionEvent): SubscriptionState {
  const agreedAt = data.authorized_at;
  const lastAuthorizedAt =
    agreedAt !== undefined && (state.lastAuthorizedAt === undefined || agreedAt > state.lastAuthorizedAt)
      ? agreedAt
      : state.lastAuthorizedAt;
  const { client_id, provider, service_id, person_id } = data;
  const latest: Subscription = {
    ...state.latest,
    subscriptionId: data.subscription_id,
    party: { client_id, provider, service_id, person_id },
    interfaceVersion: data.interface_version,
    endDate: data.end_date,
    status: state.latest?.status ?? 'active',
  };
  const next = { begun: state.begun, lastAuthorizedAt, latest };
  switch (type) {
    case 'nl.medmij.subscription.started.v1':
      return { ...next, begun: state.begun + 1, latest: { ...latest, status: 'active', suspendedBy: undefined } };
    case 'nl.medmij.subscription.adjusted.v1':
      return next;
    case 'nl.medmij.subscription.terminated.v1':
      return { ...next, latest: { ...latest, status: 'terminated', suspendedBy: undefined } };
    case 'nl.medmij.subscription.expired.v1':
      return { ...next, latest: { ...latest, status: 'expired', suspendedBy: undefined } };
    case 'nl.medmij.subscription.suspended.v1':
      return { ...next, latest: { ...latest, status: 'suspended', suspendedBy: data.reason } };
    case 'nl.medmij.subscription.resumed.v1':
      return { ...next, latest: { ...latest, status: 'active', suspendedBy: undefined } };
  }
}

/**
 * What happens; nothing when it is already so.
 * Where the day border has passed and nobody has noticed, `expired` comes first (domain.md 1, decided).
 * @throws Refused
 */
export function decide(command: SubscriptionCommand, state: SubscriptionState): SubscriptionEvent[] {
  const lapsed = expireWhenDue(state, dateOf(command.now));
  return [...lapsed, ...decideToday(command, lapsed.reduce(evolve, state))];
}

/** Whether a subscription is still running: nothing ended ever changes again. */
export function isRunning(subscription: Subscription | undefined): subscription is Subscription {
  return subscription?.status === 'active' || subscription?.status === 'suspended';
}

function decideToday(command: SubscriptionCommand, state: SubscriptionState): SubscriptionEvent[] {
  const { latest } = state;
  switch (command.type) {
    case 'Subscribe':
      return subscribe(command, state);
    case 'Terminate':
      return terminate(command, state);
    case 'Expire':
      // All there was to do is done by expireWhenDue.
      return [];
    case 'Adjust': {
      const today = dateOf(command.now);
      if (!isRunning(latest) || latest.subscriptionId !== command.subscriptionId) throw new Refused('not_subscribed');
      if (command.endDate < today) throw new Refused('end_date_in_past');
      const shortens = command.endDate < latest.endDate;
      // Only a lengthening can be refused; a shortening or an ending may not be (domain.md 5), suspended or not.
      if (!shortens && latest.status === 'suspended') throw new Refused('client_suspended');
      if (command.endDate === latest.endDate) return [];
      if (!shortens && command.endDate > command.latest) throw new Refused('end_date_beyond_grant');
      if (hasEnded(command.endDate, today))
        return [terminated(latest, today, 'person', { authorized_at: command.now.toISOString() })];
      return [adjusted(latest, command.endDate)];
    }
    case 'Suspend':
      if (!isRunning(latest) || latest.subscriptionId !== command.subscriptionId) throw new Refused('not_subscribed');
      if (latest.status === 'suspended') return [];
      return [{ type: 'nl.medmij.subscription.suspended.v1', data: { ...facts(latest), reason: command.by } }];
    case 'Resume':
      if (!isRunning(latest) || latest.subscriptionId !== command.subscriptionId) throw new Refused('not_subscribed');
      if (latest.status === 'active') return [];
      // A suspended client is resumed as a whole, once its identity checks out (domain.md 11).
      if (latest.suspendedBy === 'client' && command.by !== 'client') throw new Refused('client_suspended');
      return [{ type: 'nl.medmij.subscription.resumed.v1', data: { ...facts(latest), reason: command.by } }];
  }
}

function subscribe(command: Subscribe, state: SubscriptionState): SubscriptionEvent[] {
  const { latest } = state;
  // Before anything is counted: a moment may lie further in the future than the calendar reaches.
  refuseStale(command.authorizedAt, command.now, state);
  const endDate = addDays(dateOf(command.authorizedAt), command.grantedDays);
  if (hasEnded(endDate, dateOf(command.now))) {
    throw new Refused('authorization_stale', 'The end date that was authorized has passed already.');
  }
  const authorization = {
    authorization_id: command.authorizationId,
    authorized_at: command.authorizedAt.toISOString(),
  };
  if (!isRunning(latest)) {
    const data = {
      subscription_id: `${command.streamId}.${state.begun + 1}`,
      ...command.party,
      end_date: endDate,
      interface_version: command.interfaceVersion,
      ...authorization,
    };
    return [{ type: 'nl.medmij.subscription.started.v1', data }];
  }
  const asked = { ...authorization, interface_version: command.interfaceVersion };
  const change = endDate === latest.endDate ? [] : [adjusted(latest, endDate, asked)];
  if (latest.status === 'active') return change;
  if (latest.suspendedBy === 'client') {
    if (endDate >= latest.endDate) throw new Refused('client_suspended');
    return change;
  }
  // Fresh consent is a re-approval (domain.md 1, decided): it resumes, then is adjusted.
  return [
    { type: 'nl.medmij.subscription.resumed.v1', data: { ...facts(latest), ...asked, reason: 'person' } },
    ...change,
  ];
}

function terminate(command: Terminate, state: SubscriptionState): SubscriptionEvent[] {
  const { latest } = state;
  if (!latest) throw new Refused('not_subscribed');
  if (command.authorizedAt) refuseStale(command.authorizedAt, command.now, state);
  if (command.subscriptionId !== undefined && command.subscriptionId !== latest.subscriptionId) return [];
  if (!isRunning(latest)) {
    // A person's ending is never refused; a provider's or operator's is told that there is nothing to end (contract.md 4).
    if (command.reason === 'provider' || command.reason === 'operator') throw new Refused('not_subscribed');
    return [];
  }
  return [
    terminated(latest, dateOf(command.authorizedAt ?? command.now), command.reason, {
      ...(command.authorizationId !== undefined && { authorization_id: command.authorizationId }),
      ...(command.authorizedAt && { authorized_at: command.authorizedAt.toISOString() }),
    }),
  ];
}

function refuseStale(authorizedAt: Date, now: Date, { lastAuthorizedAt }: SubscriptionState): void {
  if (authorizedAt.getTime() > now.getTime() + clockSkewMs) {
    throw new Refused('authorization_stale', 'authorized_at lies more than 5 minutes in the future.');
  }
  if (lastAuthorizedAt !== undefined && authorizedAt.toISOString() < lastAuthorizedAt) {
    throw new Refused(
      'authorization_stale',
      'A later authorization of the same subscription has been applied already.',
    );
  }
}

function expireWhenDue({ latest }: SubscriptionState, today: CalendarDate): SubscriptionEvent[] {
  if (!isRunning(latest) || !hasEnded(latest.endDate, today)) return [];
  return [{ type: 'nl.medmij.subscription.expired.v1', data: { ...facts(latest), reason: 'expired' } }];
}

function adjusted(subscription: Subscription, endDate: CalendarDate, more: object = {}): SubscriptionEvent {
  return {
    type: 'nl.medmij.subscription.adjusted.v1',
    data: { ...facts(subscription), ...more, end_date: endDate, previous_end_date: subscription.endDate },
  };
}

function terminated(
  subscription: Subscription,
  endDate: CalendarDate,
  reason: EndReason,
  more: object,
): SubscriptionEvent {
  return {
    type: 'nl.medmij.subscription.terminated.v1',
    data: { ...facts(subscription), ...more, end_date: endDate, previous_end_date: subscription.endDate, reason },
  };
}

function facts({ subscriptionId, party, endDate, interfaceVersion }: Subscription) {
  return { subscription_id: subscriptionId, ...party, end_date: endDate, interface_version: interfaceVersion };
}
