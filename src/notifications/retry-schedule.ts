const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** Seconds after the first try at which a notification is tried again: dense inside the hour, then growing (design.md 2.3). */
const withinTheHourS = [
  0,
  5,
  20,
  60,
  3 * minute,
  7 * minute,
  13 * minute,
  20 * minute,
  28 * minute,
  37 * minute,
  46 * minute,
  54 * minute,
  58 * minute,
];
const growingToFourteenDaysS = [2, 4, 8, 16, 28, 44, 64, 92, 128, 172, 222, 278, 336].map((hours) => hours * hour);

export const subscriptionScheduleS: readonly number[] = [...withinTheHourS, ...growingToFourteenDaysS];

/** When the schedule of a subscription notification is used up. */
export const subscriptionDeadlineS = 14 * day;

/** Within which a resource notification has to arrive (ext.abo.rscnotint.200). */
export const resourceDeadlineS = hour;

/** Part of a pause by which it may be longer, so that what failed together does not come back together. */
const jitterPart = 0.2;

export interface RetryQuestion {
  /** Tries made, the one that just failed included. */
  attempts: number;
  now: Date;
  deadlineAt: Date;
  /** What the client asked for (`Retry-After`), in seconds. */
  retryAfterS?: number;
  /** Between 0 and 1. */
  random: number;
}

/**
 * When to try again, or undefined when the schedule is used up. The pauses are those between the steps of the schedule;
 * `Retry-After` is obeyed between one step and the deadline.
 */
export function nextAttempt({ attempts, now, deadlineAt, retryAfterS, random }: RetryQuestion): Date | undefined {
  const step = subscriptionScheduleS[attempts];
  if (step === undefined) return undefined;
  const pauseS = step - subscriptionScheduleS[attempts - 1]!;
  const due = now.getTime() + pauseS * (1 + jitterPart * random) * 1000;
  if (retryAfterS === undefined) return new Date(due);
  const asked = Math.min(now.getTime() + retryAfterS * 1000, deadlineAt.getTime());
  return new Date(Math.max(due, asked));
}
