import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { addDays, dateOf, hasEnded } from './end-date';

describe('a calendar date', () => {
  it.each([
    ['2026-01-01T22:59:59Z', '2026-01-01'],
    ['2026-01-01T23:00:00Z', '2026-01-02'],
    ['2026-07-01T21:59:59Z', '2026-07-01'],
    ['2026-07-01T22:00:00Z', '2026-07-02'],
    // The two nights in which the clock changes.
    ['2026-03-29T00:59:59Z', '2026-03-29'],
    ['2026-03-29T21:59:59Z', '2026-03-29'],
    ['2026-03-29T22:00:00Z', '2026-03-30'],
    ['2026-10-25T22:59:59Z', '2026-10-25'],
    ['2026-10-25T23:00:00Z', '2026-10-26'],
  ])('at %s in Amsterdam is %s', (moment, date) => {
    expect(dateOf(new Date(moment))).toBe(date);
  });

  it('moves by whole days across month, year, leap day and changed clocks', () => {
    expect(addDays('2026-03-28', 2)).toBe('2026-03-30');
    expect(addDays('2026-10-24', 2)).toBe('2026-10-26');
    expect(addDays('2027-12-31', 1)).toBe('2028-01-01');
    expect(addDays('2028-02-28', 2)).toBe('2028-03-01');
    expect(addDays('2026-01-01', 99_999)).toBe('2299-10-16');
  });

  it('moves as far in two steps as in one', () => {
    const date = fc.date({ min: new Date('2020-01-01'), max: new Date('2090-01-01'), noInvalidDate: true }).map(dateOf);
    fc.assert(
      fc.property(date, fc.nat(5_000), fc.nat(5_000), (start, one, two) => {
        expect(addDays(addDays(start, one), two)).toBe(addDays(start, one + two));
        expect(hasEnded(addDays(start, one), start)).toBe(one === 0);
      }),
    );
  });
});
