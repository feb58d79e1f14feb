import type { SubscriptionEvent } from '../subscriptions';

const dayMs = 24 * 60 * 60 * 1000;
/** A stream rests for so long before it is archived (decided): who subscribes again soon finds it where it was. */
const restMs = 30 * dayMs;
/** Answers to requests are kept as long as the longest-kept subscription beside them. */
const answersKeptMs = 25 * 31 * dayMs;

const closing: ReadonlySet<string> = new Set<SubscriptionEvent['type']>([
  'nl.medmij.subscription.terminated.v1',
  'nl.medmij.subscription.expired.v1',
]);

/** Whether a stream may be closed by an event of this type. The streams of clients never close. */
export function isClosing(type: string): boolean {
  return closing.has(type);
}

/** What ended at this moment or before it is archived. */
export function archivedUntil(now: Date): Date {
  return new Date(now.getTime() - restMs);
}

export function answersForgottenBefore(now: Date): Date {
  return new Date(now.getTime() - answersKeptMs);
}
