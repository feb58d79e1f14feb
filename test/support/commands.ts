import { firstId, noon, party, streamId } from './builders';
import type {
  Adjust,
  Reapprove,
  Resume,
  Subscribe,
  Suspend,
  TakeUp,
  Terminate,
} from '../../src/subscriptions/subscription.commands';

/** Commands of the ordinary kind, all of the same day; the test says what matters to it. */
export const today = noon('2026-03-01');

export const subscribe = (changes: Partial<Subscribe> = {}): Subscribe => ({
  type: 'Subscribe',
  party,
  streamId,
  interfaceVersion: '3.0.0',
  grantedDays: 180,
  authorizationId: 'a-2',
  authorizedAt: changes.now ?? today,
  now: today,
  ...changes,
});
export const terminate = (changes: Partial<Terminate> = {}): Terminate => ({
  type: 'Terminate',
  reason: 'person',
  authorizedAt: today,
  authorizationId: 'a-2',
  now: today,
  ...changes,
});
export const adjust = (endDate: string, changes: Partial<Adjust> = {}): Adjust => ({
  type: 'Adjust',
  subscriptionId: firstId,
  endDate,
  // Up to and including 2026-12-31.
  grantedDays: 305,
  authorizedAt: today,
  now: today,
  ...changes,
});
export const takeUp = (changes: Partial<TakeUp> = {}): TakeUp => ({ ...subscribe(), ...changes, type: 'TakeUp' });
export const reapprove = (changes: Partial<Reapprove> = {}): Reapprove => ({
  type: 'Reapprove',
  authorizationId: 'a-2',
  authorizedAt: today,
  now: today,
  ...changes,
});
export const resume = (by: Resume['by']): Resume => ({ type: 'Resume', subscriptionId: firstId, by, now: today });
export const suspend = (by: Suspend['by']): Suspend => ({ type: 'Suspend', subscriptionId: firstId, by, now: today });
