import type { Point } from './items';

/** Points that are kept here: what the service keeps of an hour, and a minute more. */
const pointsMax = 450;

/** A process that began a moment ago, or another one, may know less of the time before than what was heard already. */
export function joined(heard: readonly Point[], history: readonly Point[]): Point[] {
  const [first] = history;
  return first ? [...heard.filter(({ at }) => at < first.at), ...history].slice(-pointsMax) : [...heard];
}

/** The first point of a row is about no time at all. */
export function withPoint(points: Point[], point: Point): Point[] {
  const last = points.at(-1);
  // The newest message may be older than the newest point of the history that came with it.
  if (point.seconds === 0 || (last && point.at <= last.at)) return points;
  return [...points, point].slice(-pointsMax);
}
