import { PassThrough, type Readable } from 'node:stream';
import { z } from 'zod';
import type { SuspendedClients } from '../clients';
import type { LogAccess } from '../event-store';
import type { ListStore } from '../medmij-lists';
import type { DeliveryRecords } from '../notifications';
import { type Clock, type Logger, type Readiness, Signal, type StepOutcome, WorkLoop } from '../platform';
import { Refused } from '../refusals';
import { clientHealth, healthOf } from './client-health';
import { figurePoint } from './figure-history';
import { FigureSampler } from './figure-sampler';
import { listItem } from './list-item';
import { type Statistics, statistics, type StatisticsAnswer } from './statistics';

const limits = {
  tickMs: 2_000,
  /** While nobody listens only the charts go on, so that whoever comes sees what was before. */
  unheardTickMs: 30_000,
  listenersMax: 50,
  /** Then the listener has to come again, and is asked again who it is. */
  listeningMs: 60_000,
  /** Ticks that a listener may miss because it does not read; then it is let go. */
  missedMax: 15,
  readinessMs: 3_000,
};
/** Counting subscriptions takes up at most this part of the time. */
const slowShare = 1 / 20;

const count = z.int().min(0);

export const liveFigures = statistics.extend({
  now: figurePoint,
  clients: z.array(clientHealth).meta({ description: 'Clients that are not well, those that wait longest first.' }),
  lists: z.array(listItem),
  parked_streams: count,
  amiss: z.array(z.strictObject({ check: z.string(), status: z.string(), reason: z.string().nullable() })),
});
type Figures = z.output<typeof liveFigures>;

/** A tick that comes this much early is on time. */
const earlyMs = 200;

interface Listener {
  stream: PassThrough;
  missed: number;
  timer: NodeJS.Timeout;
}

/**
 * The figures that the operator page shows all the time: computed once a tick for everybody who listens. While nobody does, the few
 * of the charts are looked at now and then. A listener that does not read misses messages instead of piling them up here: each one
 * says everything anew.
 */
export class LiveFigures {
  private readonly loop: WorkLoop;
  private readonly sampler: FigureSampler;
  private readonly listeners = new Set<Listener>();
  private readonly heard = new Signal();
  private isClosing = false;
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
    this.sampler = new FigureSampler(parts.log, parts.deliveries, parts.clock);
    this.loop = new WorkLoop({
      name: 'live-figures',
      step: () => this.step(),
      idleMs: limits.tickMs,
      wakeUp: this.heard,
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
    const history = JSON.stringify(this.sampler.history.points());
    stream.write(`retry: ${limits.tickMs}\nevent: history\ndata: ${history}\n\n`);
    if (this.latest && performance.now() - this.latest.atMs < 2 * limits.tickMs) stream.write(this.latest.message);
    if (this.listeners.size === 1) this.heard.raiseHere();
    return stream;
  }

  private letGo(listener: Listener): void {
    clearTimeout(listener.timer);
    this.listeners.delete(listener);
    listener.stream.end();
  }

  private async step(): Promise<StepOutcome> {
    // Somebody who comes ends a pause early; a point of a moment would only show noise.
    const tooEarlyMs = limits.tickMs - this.sampler.ageMs;
    if (tooEarlyMs > earlyMs) return { againInMs: tooEarlyMs };
    if (this.listeners.size === 0) {
      await this.sampleOnly();
      return { againInMs: limits.unheardTickMs };
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
    const now = await this.sampler.sample(stats, oldestOf(clients));
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

  private async sampleOnly(): Promise<void> {
    const { statistics, deliveries, clock } = this.parts;
    const [lags, oldest] = await Promise.all([statistics.lags(), deliveries.oldestUndelivered(clock.now())]);
    await this.sampler.sample(lags, oldestOf(oldest.map(({ seconds }) => ({ oldest_undelivered_s: seconds }))));
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

function oldestOf(clients: readonly { oldest_undelivered_s: number | null }[]): number | null {
  const waits = clients.map(({ oldest_undelivered_s: seconds }) => seconds).filter((seconds) => seconds !== null);
  return waits.length === 0 ? null : Math.max(...waits);
}
