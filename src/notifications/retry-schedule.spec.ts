import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deadlinesS, lateS, nextAttempt, type RetryQuestion, schedulesS } from './retry-schedule';

const start = new Date('2026-03-01T12:00:00Z');
const after = (seconds: number) => new Date(start.getTime() + seconds * 1000);
const secondsOf = (date: Date | undefined) => (date!.getTime() - start.getTime()) / 1000;
const types = ['resource', 'subscription'] as const;
const anyType = fc.constantFrom(...types);
const anyPart = fc.double({ min: 0, max: 1, noNaN: true });

/** The question after a try that ended so many seconds after the first due moment. */
const failedAfter = (seconds: number, given: Partial<RetryQuestion> = {}): RetryQuestion => {
  const type = given.type ?? 'resource';
  return { type, firstDueAt: start, now: after(seconds), deadlineAt: after(deadlinesS[type]), random: 0, ...given };
};

/** Every try of a notification whose endpoint answers after `tookS`, in seconds after the first due moment. */
function tries(type: RetryQuestion['type'], tookS: number, random: () => number): number[] {
  const all = [0];
  for (;;) {
    const next = nextAttempt(failedAfter(all.at(-1)! + tookS, { type, random: random() }));
    if (!next) return all;
    all.push(secondsOf(next));
  }
}

describe('the schedule', () => {
  it('of a resource notification is dense inside the hour, then hourly for a day', () => {
    const m = 60;
    expect(schedulesS.resource.slice(0, 13)).toEqual([
      0,
      5,
      20,
      ...[1, 3, 7, 13, 20, 28, 37, 46, 54, 58].map((minutes) => minutes * m),
    ]);
    expect(schedulesS.resource.slice(13)).toEqual(Array.from({ length: 24 }, (_, n) => (n + 2) * 3600));
    expect(schedulesS.resource.at(-1)).toBe(deadlinesS.resource + lateS.resource);
  });

  it('of a subscription notification begins with the same hour and grows to 14 days', () => {
    expect(schedulesS.subscription.slice(0, 13)).toEqual(schedulesS.resource.slice(0, 13));
    const outside = schedulesS.subscription.slice(13);
    const pauses = outside.slice(1).map((step, index) => step - outside[index]!);
    expect(pauses).toEqual([...pauses].sort((one, other) => one - other));
    expect(outside.at(-1)).toBe(14 * 86_400);
  });

  it('counts from the first due moment: slow answers push no later try out of the hour', () => {
    expect(tries('resource', 0.01, () => 0)).toEqual([...schedulesS.resource]);
    // The 5 s step is over when a call of ten seconds ends.
    expect(tries('resource', 10, () => 0)).toEqual(schedulesS.resource.filter((step) => step !== 5));
  });

  it('goes on where the time stands when nothing could be sent for a while', () => {
    expect(secondsOf(nextAttempt(failedAfter(30 * 60)))).toBe(37 * 60);
  });

  it('is used up after its last step', () => {
    for (const type of types) {
      const last = schedulesS[type].at(-1)!;
      expect(nextAttempt(failedAfter(last, { type }))).toBeUndefined();
    }
  });

  it('ends, tries again at most once a step, and pauses at least half as long as the steps lie apart', () => {
    fc.assert(
      fc.property(
        anyType,
        fc.double({ min: 0, max: 10, noNaN: true }),
        fc.infiniteStream(anyPart),
        (type, took, parts) => {
          const all = tries(type, took, () => parts.next().value!);
          expect(all.length).toBeLessThanOrEqual(schedulesS[type].length + 1);
          for (const [index, at] of all.slice(1).entries()) expect(at - all[index]! - took).toBeGreaterThan(2);
        },
      ),
    );
  });

  it('always has a try in the last six minutes that makes the deadline, whatever the jitter', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 10, noNaN: true }), fc.infiniteStream(anyPart), (took, parts) => {
        const inTime = tries('resource', took, () => parts.next().value!).filter((at) => at + 10 < 3600);
        expect(inTime.at(-1)).toBeGreaterThanOrEqual(54 * 60);
        const last = nextAttempt(failedAfter(55 * 60, { random: parts.next().value! }));
        expect(secondsOf(last)).toBeGreaterThanOrEqual(58 * 60);
        expect(secondsOf(last)).toBeLessThanOrEqual(3600 - 20);
      }),
    );
  });

  it('squeezes one more try in when the next step would be late, for a change that came late', () => {
    const next = nextAttempt(failedAfter(22 * 60, { deadlineAt: after(27 * 60), random: 1 }));
    expect(secondsOf(next)).toBeGreaterThan(25 * 60);
    expect(secondsOf(next)).toBeLessThanOrEqual(27 * 60 - 30);
  });

  it('spreads what failed together, by at most a fifth of the pause', () => {
    const spread = Array.from({ length: 11 }, (_, n) => secondsOf(nextAttempt(failedAfter(61, { random: n / 10 }))));
    expect(Math.min(...spread)).toBe(180);
    expect(Math.max(...spread)).toBe(180 + 24);
    expect(new Set(spread).size).toBe(11);
  });

  it('obeys Retry-After between one step and the deadline', () => {
    expect(secondsOf(nextAttempt(failedAfter(0, { retryAfterS: 1 })))).toBe(5);
    expect(secondsOf(nextAttempt(failedAfter(0, { retryAfterS: 120 })))).toBe(120);
    expect(secondsOf(nextAttempt(failedAfter(0, { retryAfterS: 999_999_999 })))).toBe(3600 - 30);
    fc.assert(
      fc.property(anyType, fc.nat(3_500), fc.nat(10 ** 9), anyPart, (type, at, retryAfterS, random) => {
        const asked = nextAttempt(failedAfter(at, { type, retryAfterS, random }))!;
        const unasked = nextAttempt(failedAfter(at, { type, random }))!;
        expect(asked.getTime()).toBeGreaterThanOrEqual(unasked.getTime());
        if (unasked < after(deadlinesS[type])) expect(asked.getTime()).toBeLessThan(after(deadlinesS[type]).getTime());
      }),
    );
  });
});
