/** What all processes know of an endpoint: failures in a row, and until when nothing is claimed for it. */
export interface Breaker {
  failures: number;
  heldUntil: Date | null;
}

/** What came of calls to one endpoint that were recorded together. */
export interface Calls {
  /** Answered by somebody who is well, whatever the answer was. */
  well: number;
  /** Unreachable, out of order, or asking to be left alone. */
  failed: number;
  /** One of the failed was sent to find out whether the endpoint is well again. */
  probeFailed: boolean;
  /** The longest pause that the endpoint asked for, in seconds. */
  askedPauseS: number;
}

/** Failures in a row from which on the breaker is open. */
export const breakerFailures = 10;
/** How long it stays open: at first, doubled after each failed probe up to the last, so that recovery is seen within the hour. */
const openS = { first: 5, max: 60 };
const jitterPart = 0.2;

/**
 * The breaker after these calls. Any good answer closes it; failures in a row open it. While it is open only the probe counts:
 * what was under way when it opened says nothing new. After each pause one probe goes out (half open).
 */
export function breakerAfter(breaker: Breaker, calls: Calls, now: Date, random: number): Breaker {
  if (calls.well > 0) return { failures: 0, heldUntil: null };
  if (calls.failed === 0) return breaker;
  const wasOpen = breaker.failures >= breakerFailures;
  if (wasOpen && !calls.probeFailed) return breaker;
  const failures = wasOpen ? breaker.failures + 1 : Math.min(breaker.failures + calls.failed, breakerFailures);
  if (failures < breakerFailures) return { failures, heldUntil: null };
  const doubledS = openS.first * 2 ** Math.min(failures - breakerFailures, 10);
  const pauseS = Math.min(Math.max(doubledS, calls.askedPauseS), openS.max);
  return { failures, heldUntil: new Date(now.getTime() + pauseS * (1 + jitterPart * random) * 1000) };
}

export type BreakerState = 'closed' | 'open' | 'half_open';

/** Open: nothing is sent. Half open: the next delivery, and it alone, is. */
export function breakerState({ failures, heldUntil }: Breaker, now: Date): BreakerState {
  if (failures < breakerFailures) return 'closed';
  return heldUntil !== null && heldUntil > now ? 'open' : 'half_open';
}
