import { PassThrough, type Readable } from 'node:stream';
import { z } from 'zod';
import type { SuspendedClients } from '../clients';
import type { LogAccess, Position } from '../event-store';
import type { ListStore } from '../medmij-lists';
import type { DeliveryRecords } from '../notifications';
import { type Clock, type Logger, type Readiness, type StepOutcome, WorkLoop } from '../platform';
import { Refused } from '../refusals';
import { clientHealth, healthOf } from './client-health';
import { listItem } from './list-item';
import { type Statistics, statistics, type StatisticsAnswer } from './statistics';

const limits = {
  tickMs: 2_000,
  listenersMax: 50,
  /** Points of the charts that are kept: ten minutes. */
  pointsMax: 300,
  /** Events that are counted at a tick. */
  eventsMax: 50_000,
  /** Then the listener has to come again, and is asked again who it is. */
  listeningMs: 60_000,
  /** Ticks that a listener may miss because it does not read; then it is let go. */
  missedMax: 15,
  readinessMs: 3_000,
};
/** Counting what grows with the installation takes up at most this part of the time. */
const slowShare = 1 / 20;

const count = z.int().min(0);

/** One point of the charts: what happened in the seconds before `at`, and how far behind the readers were then. */
const point = z.strictObject({
  at: z.iso.datetime(),
  seconds: z.number().min(0).meta({ description: 'The time that the counts of this point are about.' }),
  commands: count.meta({ description: 'Those that recorded something.' }),
  events: count,
  outcomes: z.strictObject({ delivered: count, retry: count, dead: count, dropped: count }),
  relay_lag_events: count,
  projection_lag_events: count,
  oldest_undelivered_s: z.number().min(0).nullable(),
});
type Point = z.output<typeof point>;

export const liveFigures = statistics.extend({
  now: point,
  clients: z.array(clientHealth).meta({ description: 'Clients that are not well, those that wait longest first.' }),
  lists: z.array(listItem),
  parked_streams: count,
  amiss: z.array(z.strictObject({ check: z.string(), status: z.string(), reason: z.string().nullable() })),
});
type Figures = z.output<typeof liveFigures>;

interface Listener {
  stream: PassThrough;
  missed: number;
  timer: NodeJS.Timeout;
}

/**
 * The figures that the operator page shows all the time: computed once a tick for everybody who listens, and not at all while
 * nobody does. A listener that does not read misses messages instead of piling them up here: each one says everything anew.
 */
export class LiveFigures {
  private readonly loop: WorkLoop;
  private readonly listeners = new Set<Listener>();
  private readonly points: Point[] = [];
  private isClosing = false;
  private mark?: { atMs: number; position: Position; until: string };
  private subscriptions?: { counts: StatisticsAnswer['subscriptions']; againAtMs: number };
  private latest?: { message: string; atMs: number };

  constructor(
    private readonly parts: {
      statistics: Statistics;
      log: LogAccess;
      deliveries: DeliveryRecords;
      suspended: SuspendedClients;
      lists: ListStore;
      readiness: Readiness;
      clock: Clock;
      logger: Logger;
    },
  ) {
    this.loop = new WorkLoop({
      name: 'live-figures',
      step: () => this.step(),
      idleMs: limits.tickMs,
      log: parts.logger,
    });
  }

  start(): void {
    this.loop.start();
  }

  async stop(): Promise<void> {
    this.isClosing = true;
    for (const listener of [...this.listeners]) this.letGo(listener);
    await this.loop.stop();
  }

  /**
   * Server-sent events from now on.
   * @throws Refused `unavailable` when too many listen already
   */
  listen(): Readable {
    if (this.isClosing || this.listeners.size >= limits.listenersMax) {
      throw new Refused('unavailable', 'Too many listen to the live figures already.');
    }
    const stream = new PassThrough();
    const listener = { stream, missed: 0, timer: setTimeout(() => this.letGo(listener), limits.listeningMs) };
    listener.timer.unref();
    this.listeners.add(listener);
    stream.once('close', () => this.letGo(listener));
    stream.write(`retry: ${limits.tickMs}\nevent: history\ndata: ${JSON.stringify(this.points)}\n\n`);
    if (this.latest && performance.now() - this.latest.atMs < 2 * limits.tickMs) stream.write(this.latest.message);
    return stream;
  }

  private letGo(listener: Listener): void {
    clearTimeout(listener.timer);
    this.listeners.delete(listener);
    listener.stream.end();
  }

  private async step(): Promise<StepOutcome> {
    if (this.listeners.size === 0) {
      this.mark = undefined;
      return 'idle';
    }
    const message = `data: ${JSON.stringify(await this.figures())}\n\n`;
    this.latest = { message, atMs: performance.now() };
    for (const listener of [...this.listeners]) {
      if (!listener.stream.writableNeedDrain) {
        listener.missed = 0;
        listener.stream.write(message);
      } else if ((listener.missed += 1) > limits.missedMax) {
        listener.stream.destroy();
      }
    }
    return 'idle';
  }

  private async figures(): Promise<Figures> {
    const { statistics, lists, log, readiness, suspended, deliveries, clock } = this.parts;
    const [stats, subscriptions, clients, parked, { checks }] = await Promise.all([
      statistics.allButSubscriptions(),
      this.subscriptionCounts(),
      healthOf(deliveries, suspended, clock.now()),
      log.parked.counts(),
      readiness.ask(limits.readinessMs),
    ]);
    const now = await this.point(stats, clients[0]?.oldest_undelivered_s ?? null);
    return {
      subscriptions,
      ...stats,
      now,
      clients,
      lists: lists.status(),
      parked_streams: [...parked.values()].reduce((sum, streams) => sum + streams, 0),
      amiss: Object.entries(checks)
        .filter(([, { status }]) => status !== 'ok')
        .map(([check, { status, reason }]) => ({ check, status, reason: reason ?? null })),
    };
  }

  /** What happened since the tick before; the first of a row only sets the marks. */
  private async point(
    { relay, projections }: Omit<StatisticsAnswer, 'subscriptions'>,
    oldest_undelivered_s: number | null,
  ): Promise<Point> {
    const { log, deliveries, clock } = this.parts;
    const atMs = performance.now();
    const [recorded, tried] = await Promise.all([
      log.reader.recordedAfter(this.mark?.position, limits.eventsMax),
      deliveries.outcomesSince(this.mark?.until),
    ]);
    const isFirst = this.mark === undefined;
    const seconds = isFirst ? 0 : (atMs - this.mark!.atMs) / 1_000;
    this.mark = { atMs, position: recorded.end, until: tried.until };
    const now = {
      at: clock.now().toISOString(),
      seconds,
      commands: recorded.commands,
      events: recorded.events,
      outcomes: tried.outcomes,
      relay_lag_events: relay.lag_events,
      projection_lag_events: Math.max(0, ...Object.values(projections).map(({ lag_events }) => lag_events)),
      oldest_undelivered_s,
    };
    if (!isFirst) this.points.push(now);
    if (this.points.length > limits.pointsMax) this.points.shift();
    return now;
  }

  private async subscriptionCounts(): Promise<StatisticsAnswer['subscriptions']> {
    const begunMs = performance.now();
    if (this.subscriptions && begunMs < this.subscriptions.againAtMs) return this.subscriptions.counts;
    const counts = await this.parts.statistics.subscriptions();
    const tookMs = performance.now() - begunMs;
    this.subscriptions = { counts, againAtMs: begunMs + tookMs / slowShare };
    return counts;
  }
}
