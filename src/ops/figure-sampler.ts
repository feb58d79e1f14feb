import type { LogAccess, Position } from '../event-store';
import type { DeliveryRecords } from '../notifications';
import type { Clock } from '../platform';
import { FigureHistory, type FigurePoint } from './figure-history';
import type { StatisticsAnswer } from './statistics';

const limits = {
  /** Events that are counted one by one at a point. */
  eventsMax: 50_000,
  /** A point is about this time at most: after a longer pause, an outage say, a new row of points begins. */
  pointMaxS: 60,
};

/** What happened since the last point, counted in the database, and so of all processes. */
export class FigureSampler {
  readonly history = new FigureHistory();
  private mark?: { atMs: number; position: Position; until: string };

  constructor(
    private readonly log: LogAccess,
    private readonly deliveries: DeliveryRecords,
    private readonly clock: Clock,
  ) {}

  /** Milliseconds since the last point; Infinity before the first one. */
  get ageMs(): number {
    return this.mark === undefined ? Infinity : performance.now() - this.mark.atMs;
  }

  /** The point up to now; the first of a row only sets the marks and is about no time at all. */
  async sample(
    { relay, projections }: Pick<StatisticsAnswer, 'relay' | 'projections'>,
    oldest_undelivered_s: number | null,
  ): Promise<FigurePoint> {
    const atMs = performance.now();
    const mark = this.ageMs > limits.pointMaxS * 1_000 ? undefined : this.mark;
    const seconds = mark === undefined ? 0 : (atMs - mark.atMs) / 1_000;
    const [recorded, tried] = await Promise.all([
      this.log.reader.recordedAfter(mark?.position, limits.eventsMax),
      this.deliveries.outcomesSince(mark?.until),
    ]);
    this.mark = { atMs, position: recorded.end, until: tried.until };
    const point = {
      at: this.clock.now().toISOString(),
      seconds,
      commands: recorded.commands,
      events: recorded.events,
      outcomes: tried.outcomes,
      relay_lag_events: relay.lag_events,
      projection_lag_events: Math.max(0, ...Object.values(projections).map(({ lag_events }) => lag_events)),
      oldest_undelivered_s,
    };
    if (mark !== undefined) this.history.add(point);
    return point;
  }
}
