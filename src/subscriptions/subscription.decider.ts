import { Refused } from '../refusals';
import { addDays, type CalendarDate, dateOf, hasEnded } from './end-date';
import type {
  Adjust,
  Circumstances,
  Reapprove,
  Subscribe,
  SubscriptionCommand,
  TakeUp,
  Terminate,
} from './subscription.commands';
import type { EndReason, Party, SubscriptionEvent, SubscriptionStatus, SuspensionCause } from './subscription.events';

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
  suspendedBy?: SuspensionCause;
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
export function decide(command: SubscriptionCommand & Circumstances, state: SubscriptionState): SubscriptionEvent[] {
  const lapsed = expireWhenDue(state, dateOf(command.now));
  return [...lapsed, ...decideToday(command, lapsed.reduce(evolve, state))];
}

/** Whether a subscription is still running: nothing ended ever changes again. */
export function isRunning(subscription: Subscription | undefined): subscription is Subscription {
  return subscription?.status === 'active' || subscription?.status === 'suspended';
}

function decideToday(command: SubscriptionCommand & Circumstances, state: SubscriptionState): SubscriptionEvent[] {
  const { latest } = state;
  switch (command.type) {
    case 'Subscribe':
      return subscribe(command, state);
    case 'Terminate':
      return terminate(command, state);
    case 'Expire':
      // All there was to do is done by expireWhenDue.
      return [];
    case 'TakeUp':
      return takeUp(command, state);
    case 'Reapprove':
      return reapprove(command, state);
    case 'Adjust':
      if (!isRunning(latest) || latest.subscriptionId !== command.subscriptionId) throw new Refused('not_subscribed');
      return adjust(command, latest, state);
    case 'Suspend':
      if (!isRunning(latest) || latest.subscriptionId !== command.subscriptionId) throw new Refused('not_subscribed');
      // What a provider or an operator suspends stays so when the service is offered again, whichever came first (decided).
      if (latest.status === 'suspended' && !(isWithdrawn(latest) && command.by !== 'service_withdrawn')) return [];
      return [{ type: 'nl.medmij.subscription.suspended.v1', data: { ...facts(latest), reason: command.by } }];
    case 'Resume':
      if (!isRunning(latest) || latest.subscriptionId !== command.subscriptionId) throw new Refused('not_subscribed');
      if (command.by === 'service_offered') return offeredAgain(latest);
      // A suspended client is resumed as a whole, once its identity checks out (domain.md 11).
      if (command.clientIsSuspended) throw new Refused('client_suspended');
      if (latest.status === 'active') return [];
      // It comes back by itself when the provider offers the service again, and not before (decided).
      if (isWithdrawn(latest)) throw new Refused('service_not_offered');
      return [{ type: 'nl.medmij.subscription.resumed.v1', data: { ...facts(latest), reason: command.by } }];
  }
}

function subscribe(command: Subscribe & Circumstances, state: SubscriptionState): SubscriptionEvent[] {
  const { latest } = state;
  // Before anything is counted: a moment may lie further in the future than the calendar reaches.
  refuseStale(command.authorizedAt, command.now, state);
  const endDate = lastGrantedDate(command);
  if (hasEnded(endDate, dateOf(command.now))) {
    throw new Refused('authorization_stale', 'The end date that was authorized has passed already.');
  }
  if (command.clientIsSuspended && (!isRunning(latest) || endDate >= latest.endDate)) {
    throw new Refused('client_suspended');
  }
  if (!isRunning(latest)) return [begun(command, endDate, state)];
  const asked = askedIn(command);
  const change = endDate === latest.endDate ? [] : [adjusted(latest, endDate, asked)];
  if (latest.status === 'active' || command.clientIsSuspended) return change;
  // Fresh consent is a re-approval (domain.md 1, decided): it resumes, then is adjusted.
  return [
    { type: 'nl.medmij.subscription.resumed.v1', data: { ...facts(latest), ...asked, reason: 'person' } },
    ...change,
  ];
}

function takeUp(command: TakeUp & Circumstances, state: SubscriptionState): SubscriptionEvent[] {
  const { latest } = state;
  const granted = lastGrantedDate(command);
  const endDate = command.endDate ?? granted;
  const taken = isRunning(latest)
    ? moveEnd({ command, latest, endDate, granted, asked: askedIn(command) }, state)
    : begin(command, endDate, granted, state);
  // Last, for a suspended subscription answers alike whatever is asked of it.
  refuseStale(command.authorizedAt, command.now, state);
  return taken;
}

function begin(
  command: TakeUp & Circumstances,
  endDate: CalendarDate,
  granted: CalendarDate,
  state: SubscriptionState,
) {
  if (command.clientIsSuspended) throw new Refused('client_suspended');
  const today = dateOf(command.now);
  if (hasEnded(granted, today)) {
    throw new Refused('authorization_stale', 'The end date that was authorized has passed already.');
  }
  if (endDate < today) throw new Refused('end_date_in_past');
  if (endDate > granted) throw new Refused('end_date_beyond_grant');
  if (hasEnded(endDate, today)) throw new Refused('not_subscribed');
  return [begun(command, endDate, state)];
}

function reapprove(command: Reapprove & Circumstances, state: SubscriptionState): SubscriptionEvent[] {
  const { latest } = state;
  if (latest?.status !== 'suspended' || command.clientIsSuspended || isWithdrawn(latest)) return [];
  refuseStale(command.authorizedAt, command.now, state);
  return [
    { type: 'nl.medmij.subscription.resumed.v1', data: { ...facts(latest), ...agreedIn(command), reason: 'person' } },
  ];
}

function adjust(command: Adjust & Circumstances, latest: Subscription, state: SubscriptionState): SubscriptionEvent[] {
  const moved = moveEnd({ command, latest, endDate: command.endDate, granted: lastGrantedDate(command) }, state);
  // What the person agreed to later holds against what an older grant would still allow.
  if (command.endDate > latest.endDate) refuseStale(command.authorizedAt, command.now, state);
  return moved;
}

interface Move {
  command: { now: Date } & Circumstances;
  latest: Subscription;
  endDate: CalendarDate;
  /** The last end date that the grant allows. */
  granted: CalendarDate;
  asked?: object;
}

function moveEnd(
  { command: { now, clientIsSuspended }, latest, endDate, granted, asked }: Move,
  state: SubscriptionState,
): SubscriptionEvent[] {
  const today = dateOf(now);
  const isSuspended = latest.status === 'suspended' || clientIsSuspended;
  const isPast = endDate < today;
  const shortens = endDate < latest.endDate;
  // Only a lengthening can be refused; a shortening or an ending may not be (domain.md 5), suspended or not.
  if (isSuspended && (isPast || !shortens)) throw new Refused('client_suspended');
  if (isPast) throw new Refused('end_date_in_past');
  if (endDate === latest.endDate) return [];
  if (!shortens && endDate > granted) throw new Refused('end_date_beyond_grant');
  if (hasEnded(endDate, today)) return [terminated(latest, today, 'person', endedByPerson(state, now))];
  return [adjusted(latest, endDate, asked)];
}

function terminate(command: Terminate, state: SubscriptionState): SubscriptionEvent[] {
  const { latest } = state;
  if (!latest) throw new Refused('not_subscribed');
  if (command.authorizedAt) refuseStale(command.authorizedAt, command.now, state);
  const isOver = command.subscriptionId !== undefined && command.subscriptionId !== latest.subscriptionId;
  if (isOver || !isRunning(latest)) {
    // A person's ending is never refused; a provider's or operator's is told that there is nothing to end (contract.md 4).
    if (command.reason === 'provider' || command.reason === 'operator') throw new Refused('not_subscribed');
    return [];
  }
  const { authorizedAt, now } = command;
  return [
    terminated(latest, dateOf(authorizedAt ?? now), command.reason, {
      ...(command.authorizationId !== undefined && { authorization_id: command.authorizationId }),
      ...(authorizedAt && { authorized_at: authorizedAt.toISOString() }),
      ...(!authorizedAt && command.reason === 'person' && endedByPerson(state, now)),
    }),
  ];
}

/**
 * An ending by the person overtakes what was agreed to before it, through whichever door it came (domain.md 1, decided), even
 * what another clock dates a little later.
 */
function endedByPerson({ lastAuthorizedAt = '' }: SubscriptionState, now: Date): { authorized_at: string } {
  const moment = now.toISOString();
  return { authorized_at: moment > lastAuthorizedAt ? moment : lastAuthorizedAt };
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

/** By nobody else's wish: it rests as long as its service is not offered. */
function isWithdrawn({ suspendedBy }: Subscription): boolean {
  return suspendedBy === 'service_withdrawn';
}

/** Only what rests for that reason; also while the whole client is suspended, for that is something else. */
function offeredAgain(latest: Subscription): SubscriptionEvent[] {
  if (!isWithdrawn(latest)) return [];
  return [{ type: 'nl.medmij.subscription.resumed.v1', data: { ...facts(latest), reason: 'service_offered' } }];
}

function expireWhenDue({ latest }: SubscriptionState, today: CalendarDate): SubscriptionEvent[] {
  if (!isRunning(latest) || !hasEnded(latest.endDate, today)) return [];
  return [{ type: 'nl.medmij.subscription.expired.v1', data: { ...facts(latest), reason: 'expired' } }];
}

/** Granted days count from the day on which the person agreed, so that a delayed request means what was agreed to (domain.md 1, decided). */
function lastGrantedDate({ authorizedAt, grantedDays }: Pick<Subscribe, 'authorizedAt' | 'grantedDays'>): CalendarDate {
  return addDays(dateOf(authorizedAt), grantedDays);
}

function agreedIn({ authorizationId, authorizedAt }: Pick<Subscribe, 'authorizationId' | 'authorizedAt'>) {
  return { authorization_id: authorizationId, authorized_at: authorizedAt.toISOString() };
}

function askedIn(command: Subscribe | TakeUp) {
  return { ...agreedIn(command), interface_version: command.interfaceVersion };
}

function begun(command: Subscribe | TakeUp, endDate: CalendarDate, { begun }: SubscriptionState): SubscriptionEvent {
  return {
    type: 'nl.medmij.subscription.started.v1',
    data: {
      subscription_id: `${command.streamId}.${begun + 1}`,
      ...command.party,
      end_date: endDate,
      ...askedIn(command),
    },
  };
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
