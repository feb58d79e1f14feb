import type { NotificationType } from './delivery';

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** Seconds after the first due moment at which a notification is tried: dense inside the hour (design.md 2.3). */
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
/** Late, but better than never: for a day. */
const hourlyForADayS = Array.from({ length: 24 }, (_, index) => (index + 2) * hour);
const growingToFourteenDaysS = [2, 4, 8, 16, 28, 44, 64, 92, 128, 172, 222, 278, 336].map((hours) => hours * hour);

/** The steps of each kind of notification, in seconds after its first due moment; after the last one it is dead. */
export const schedulesS: Readonly<Record<NotificationType, readonly number[]>> = {
  resource: [...withinTheHourS, ...hourlyForADayS],
  subscription: [...withinTheHourS, ...growingToFourteenDaysS],
};

/** From when a notification is due to when it has to be there: 14 days [decided], one hour (ext.abo.rscnotint.200). */
export const deadlinesS: Readonly<Record<NotificationType, number>> = { resource: hour, subscription: 14 * day };

/** How long after its deadline a notification is still tried. */
export const lateS: Readonly<Record<NotificationType, number>> = { resource: day, subscription: 0 };

/** Part of the pause before a step by which it may be later, so that what failed together does not come back together. */
const jitterPart = 0.2;
/** A step that comes sooner than this part of the pause before it is left out: the try took that long. */
const pausePartMin = 0.5;
/** Before the deadline, so that a try which begins then still makes it: a call's budget, the claim, and some more. */
const inTimeMarginS = 30;
/** A try squeezed in before the deadline leaves this much after the one before, and this much is how far such tries are spread. */
const lastChanceS = { pauseMin: 120, spread: 30 };

export interface RetryQuestion {
  type: NotificationType;
  /** What the schedule counts from. */
  firstDueAt: Date;
  now: Date;
  deadlineAt: Date;
  /** What the client asked for (`Retry-After`), in seconds. */
  retryAfterS?: number;
  /** Between 0 and 1. */
  random: number;
}

/**
 * When to try again, or undefined when the schedule is used up. Steps count from the first due moment, so that slow answers do
 * not push the later ones out of the hour; no jitter does either. `Retry-After` is obeyed between one step and the deadline.
 */
export function nextAttempt({
  type,
  firstDueAt,
  now,
  deadlineAt,
  retryAfterS,
  random,
}: RetryQuestion): Date | undefined {
  const startMs = firstDueAt.getTime();
  const nowMs = now.getTime();
  const steps = schedulesS[type];
  const gapOf = (index: number) => steps[index]! - steps[index - 1]!;
  const elapsedS = (nowMs - startMs) / 1000;
  const index = steps.findIndex((step, n) => n > 0 && step - elapsedS >= gapOf(n) * pausePartMin);
  if (index === -1) return undefined;
  const stepMs = startMs + steps[index]! * 1000;
  const jitteredMs = stepMs + gapOf(index) * jitterPart * random * 1000;
  const inTimeMs = deadlineAt.getTime() - inTimeMarginS * 1000;
  let dueMs = jitteredMs;
  if (nowMs < inTimeMs && jitteredMs > inTimeMs) {
    if (stepMs <= inTimeMs) dueMs = inTimeMs;
    else if (inTimeMs - nowMs >= lastChanceS.pauseMin * 1000) dueMs = inTimeMs - lastChanceS.spread * random * 1000;
  }
  if (retryAfterS === undefined) return new Date(dueMs);
  // Past the deadline it is obeyed to the end of the schedule.
  const latestMs = nowMs < inTimeMs ? inTimeMs : startMs + steps.at(-1)! * 1000;
  return new Date(Math.max(dueMs, Math.min(nowMs + retryAfterS * 1000, latestMs)));
}
