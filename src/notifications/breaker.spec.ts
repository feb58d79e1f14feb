import { describe, expect, it } from '@jest/globals';
import { type Breaker, breakerAfter, breakerFailures, breakerState, type Calls } from './breaker';

const start = new Date('2026-03-01T12:00:00Z');
const after = (seconds: number) => new Date(start.getTime() + seconds * 1000);
const closed: Breaker = { failures: 0, heldUntil: null };
const calls = (given: Partial<Calls>): Calls => ({ well: 0, failed: 0, probeFailed: false, askedPauseS: 0, ...given });
const failed = (count: number) => calls({ failed: count });
const failedProbe = calls({ failed: 1, probeFailed: true });
const open = breakerAfter(closed, failed(breakerFailures), start, 0);

describe('the breaker of an endpoint', () => {
  it('opens after ten failures in a row, whoever saw them', () => {
    const nearly = breakerAfter(breakerAfter(closed, failed(4), start, 0), failed(5), start, 0);
    expect([nearly, breakerState(nearly, start)]).toEqual([{ failures: 9, heldUntil: null }, 'closed']);
    expect(breakerState(breakerAfter(nearly, failed(1), start, 0), start)).toBe('open');
  });

  it('does not open when any good answer came between', () => {
    const nearly = breakerAfter(closed, failed(9), start, 0);
    expect(breakerAfter(nearly, calls({ well: 1, failed: 30 }), start, 0)).toEqual(closed);
  });

  it('is half open when its pause is over, and closes at the first good answer', () => {
    expect(breakerState(open, after(4.9))).toBe('open');
    expect(breakerState(open, after(5))).toBe('half_open');
    expect(breakerAfter(open, calls({ well: 1 }), after(5), 0)).toEqual(closed);
  });

  it('stays open longer after each failed probe, up to a minute', () => {
    let breaker = open;
    const pauses: number[] = [];
    for (let n = 0; n < 7; n += 1) {
      breaker = breakerAfter(breaker, failedProbe, start, 0);
      pauses.push((breaker.heldUntil!.getTime() - start.getTime()) / 1000);
    }
    expect(pauses).toEqual([10, 20, 40, 60, 60, 60, 60]);
  });

  it('takes no notice of calls that were under way when it opened', () => {
    expect(breakerAfter(open, failed(40), after(9), 0)).toEqual(open);
    expect(breakerAfter(closed, failed(40), start, 0)).toEqual(open);
  });

  it('waits as long as it is asked to, up to a minute', () => {
    const asked = (askedPauseS: number) =>
      breakerAfter(closed, calls({ failed: breakerFailures, askedPauseS }), start, 0).heldUntil;
    expect([asked(30), asked(99_999)]).toEqual([after(30), after(60)]);
  });

  it('spreads the ends of pauses that began together', () => {
    const ends = [0, 0.5, 1].map((random) => breakerAfter(closed, failed(breakerFailures), start, random).heldUntil);
    expect(ends).toEqual([after(5), after(5.5), after(6)]);
  });
});
