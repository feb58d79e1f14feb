import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { nextAttempt, subscriptionDeadlineS, subscriptionScheduleS } from './retry-schedule';

const now = new Date('2026-03-01T12:00:00Z');
const inDays = (days: number) => new Date(now.getTime() + days * 86_400_000);
const question = { now, deadlineAt: inDays(14), random: 0 };
const secondsUntil = (date: Date | undefined) => (date!.getTime() - now.getTime()) / 1000;

describe('the schedule of a subscription notification', () => {
  it('is dense inside the hour and then grows to 14 days', () => {
    expect(subscriptionScheduleS.filter((step) => step < 3600)).toHaveLength(13);
    expect(subscriptionScheduleS.at(-1)).toBe(14 * 86_400);
    const outside = subscriptionScheduleS.filter((step) => step >= 3600);
    const pauses = outside.slice(1).map((step, index) => step - outside[index]!);
    expect(pauses).toEqual([...pauses].sort((one, other) => one - other));
    expect(subscriptionDeadlineS).toBe(subscriptionScheduleS.at(-1));
  });

  it('pauses as long as the steps lie apart, at least', () => {
    expect(secondsUntil(nextAttempt({ ...question, attempts: 1 }))).toBe(5);
    expect(secondsUntil(nextAttempt({ ...question, attempts: 3 }))).toBe(40);
  });

  it('is used up after its last step', () => {
    expect(nextAttempt({ ...question, attempts: subscriptionScheduleS.length - 1 })).toBeDefined();
    expect(nextAttempt({ ...question, attempts: subscriptionScheduleS.length })).toBeUndefined();
  });

  it('obeys Retry-After between one step and the deadline', () => {
    expect(secondsUntil(nextAttempt({ ...question, attempts: 1, retryAfterS: 1 }))).toBe(5);
    expect(secondsUntil(nextAttempt({ ...question, attempts: 1, retryAfterS: 120 }))).toBe(120);
    expect(nextAttempt({ ...question, attempts: 1, retryAfterS: 999_999_999 })).toEqual(inDays(14));
  });

  it('spreads what failed together, by at most a fifth of the pause', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: subscriptionScheduleS.length - 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempts, random) => {
          const pause = subscriptionScheduleS[attempts]! - subscriptionScheduleS[attempts - 1]!;
          const seconds = secondsUntil(nextAttempt({ ...question, attempts, random }));
          expect(seconds).toBeGreaterThanOrEqual(pause);
          expect(seconds).toBeLessThanOrEqual(pause * 1.2 + 0.001);
        },
      ),
    );
  });
});
