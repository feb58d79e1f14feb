import { z } from 'zod';

const count = z.int().min(0);

/** One point of the charts: what happened in the seconds before `at`, and how far behind the readers were then. */
export const figurePoint = z.strictObject({
  at: z.iso.datetime(),
  seconds: z.number().min(0).meta({ description: 'The time that the counts of this point are about.' }),
  commands: count.meta({ description: 'Those that recorded something.' }),
  events: count,
  outcomes: z.strictObject({ delivered: count, retry: count, dead: count, dropped: count }),
  relay_lag_events: count,
  projection_lag_events: count,
  oldest_undelivered_s: z.number().min(0).nullable(),
});
export type FigurePoint = z.output<typeof figurePoint>;

const limits = {
  /** Points as they came: ten minutes of them at the pace of the stream. */
  newestMax: 300,
  newestMs: 10 * 60_000,
  /** What is older is put together to points of this length, which fill the rest of the hour. */
  olderS: 30,
  olderMax: 100,
  wholeMs: 60 * 60_000,
};
/** What lies further apart has a time between it that nobody knows anything of. */
const adjoiningMs = 1_000;

/** The last hour of the charts, in a few hundred points: the newest as they came, older ones put together. */
export class FigureHistory {
  private readonly older: FigurePoint[] = [];
  private readonly newest: FigurePoint[] = [];

  /** The oldest first. */
  points(): FigurePoint[] {
    return [...this.older, ...this.newest];
  }

  add(point: FigurePoint): void {
    this.newest.push(point);
    const nowMs = Date.parse(point.at);
    const isOver = ({ at }: FigurePoint, spanMs: number) => nowMs - Date.parse(at) >= spanMs;
    while (this.newest.length > limits.newestMax || isOver(this.newest[0]!, limits.newestMs)) {
      this.putAway(this.newest.shift()!);
    }
    while (this.older.length > limits.olderMax || (this.older[0] && isOver(this.older[0], limits.wholeMs))) {
      this.older.shift();
    }
  }

  private putAway(point: FigurePoint): void {
    const last = this.older.at(-1);
    const adjoins = last && Date.parse(point.at) - point.seconds * 1_000 - Date.parse(last.at) < adjoiningMs;
    if (adjoins && last.seconds + point.seconds <= limits.olderS) this.older.splice(-1, 1, together(last, point));
    else this.older.push(point);
  }
}

/** Counts are added up; of what is a level the highest stays, for that is what somebody looks for afterwards. */
function together(one: FigurePoint, next: FigurePoint): FigurePoint {
  const waits = [one.oldest_undelivered_s, next.oldest_undelivered_s].filter((seconds) => seconds !== null);
  return {
    at: next.at,
    seconds: one.seconds + next.seconds,
    commands: one.commands + next.commands,
    events: one.events + next.events,
    outcomes: {
      delivered: one.outcomes.delivered + next.outcomes.delivered,
      retry: one.outcomes.retry + next.outcomes.retry,
      dead: one.outcomes.dead + next.outcomes.dead,
      dropped: one.outcomes.dropped + next.outcomes.dropped,
    },
    relay_lag_events: Math.max(one.relay_lag_events, next.relay_lag_events),
    projection_lag_events: Math.max(one.projection_lag_events, next.projection_lag_events),
    oldest_undelivered_s: waits.length === 0 ? null : Math.max(...waits),
  };
}
