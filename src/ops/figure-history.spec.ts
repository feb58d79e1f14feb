import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FigureHistory, type FigurePoint } from './figure-history';

const begin = Date.parse('2026-03-01T12:00:00Z');

/** A point that ends so many seconds after the beginning. */
const point = (endS: number, seconds: number, given: Partial<FigurePoint> = {}): FigurePoint => ({
  at: new Date(begin + endS * 1_000).toISOString(),
  seconds,
  commands: 1,
  events: 2,
  outcomes: { delivered: 1, retry: 0, dead: 0, dropped: 0 },
  relay_lag_events: 0,
  projection_lag_events: 0,
  oldest_undelivered_s: null,
  ...given,
});
const eventsOf = (points: readonly FigurePoint[]) => points.reduce((sum, { events }) => sum + events, 0);
const secondsOf = (points: readonly FigurePoint[]) => points.reduce((sum, { seconds }) => sum + seconds, 0);

describe('the history of the live figures', () => {
  it('is an hour at the pace of the stream: ten minutes as they came, and every event of the rest', () => {
    const history = new FigureHistory();
    for (let endS = 2; endS <= 2 * 3_600; endS += 2) history.add(point(endS, 2));
    const points = history.points();
    expect(points.slice(-300).every(({ seconds }) => seconds === 2)).toBe(true);
    expect(points.slice(0, -300).every(({ seconds }) => seconds === 30)).toBe(true);
    expect([secondsOf(points), eventsOf(points)]).toEqual([3_600, 3_600]);
    expect(points.map(({ at }) => at)).toEqual([...points.map(({ at }) => at)].sort());
  });

  it('is an hour as well of points that are long already', () => {
    const history = new FigureHistory();
    for (let endS = 30; endS <= 2 * 3_600; endS += 30) history.add(point(endS, 30));
    expect([history.points().length, secondsOf(history.points())]).toEqual([120, 3_600]);
  });

  it('keeps the worst of what it puts together, and a gap stays one', () => {
    const history = new FigureHistory();
    history.add(point(2, 2, { relay_lag_events: 9, oldest_undelivered_s: 5 }));
    history.add(point(4, 2, { projection_lag_events: 7 }));
    history.add(point(20, 2));
    history.add(point(1_000, 2));
    const older = { commands: 2, events: 4, outcomes: { delivered: 2, retry: 0, dead: 0, dropped: 0 } };
    expect(history.points()).toEqual([
      point(4, 4, { ...older, relay_lag_events: 9, projection_lag_events: 7, oldest_undelivered_s: 5 }),
      point(20, 2),
      point(1_000, 2),
    ]);
  });

  it('stays small and in order, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 1_500 }), (lengths) => {
        const history = new FigureHistory();
        let endS = 0;
        for (const seconds of lengths) history.add(point((endS += seconds), seconds));
        const points = history.points();
        expect(points.length).toBeLessThanOrEqual(400);
        expect(points.every(({ at }, index) => index === 0 || points[index - 1]!.at <= at)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});
