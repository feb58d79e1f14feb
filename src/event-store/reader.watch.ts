import { Counter, Histogram, type Registry } from 'prom-client';
import { askedGauge, type Logger } from '../platform';
import type { Lag } from './log.reader';
import { type Position, positionText, type StoredEvent } from './stored-event';

export interface PageRead {
  reader: string;
  page: readonly StoredEvent[];
  after: Position;
  /** Waiting for the page itself, which may have been read ahead. */
  readMs: number;
  durationMs: number;
}

/** What operators see of the readers of the log: one line a page, and figures. */
export class ReaderWatch {
  private readonly events: Counter<'reader'>;
  private readonly pages: Histogram<'reader'>;

  constructor(
    private readonly registry: Registry,
    private readonly log: Logger,
  ) {
    const registers = [registry];
    this.events = new Counter({
      name: 'medmij_log_events_read_total',
      help: 'Events of the log that a reader in this process has dealt with',
      labelNames: ['reader'],
      registers,
    });
    this.pages = new Histogram({
      name: 'medmij_log_page_seconds',
      help: 'How long a reader took for one page of the log, its effect included',
      labelNames: ['reader'],
      buckets: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    });
  }

  done({ reader, page, after, readMs, durationMs }: PageRead): void {
    this.events.inc({ reader }, page.length);
    this.pages.observe({ reader }, durationMs / 1_000);
    this.log.info(
      {
        reader,
        events: page.length,
        after: positionText(after),
        position: positionText(page.at(-1)!.position),
        read_ms: Math.round(readMs),
        duration_ms: Math.round(durationMs),
      },
      'log.page.read',
    );
  }

  /** `lag` is asked once for both figures of a scrape. */
  showLag(names: { events: string; seconds: string }, what: string, lag: LagsByLabel): void {
    let asked: ReturnType<LagsByLabel['ask']> | undefined;
    // Both gauges are asked in the same turn of a scrape; the second finds the question on its way.
    const ask = () => (asked ??= lag.ask().finally(() => (asked = undefined)));
    const { registry } = this;
    const labelNames = lag.labelNames ?? [];
    askedGauge({
      registry,
      name: names.events,
      help: `Events of the log: ${what}`,
      labelNames,
      ask: async () => (await ask()).map(({ labels, lag: { events } }) => ({ labels, value: events })),
    });
    askedGauge({
      registry,
      name: names.seconds,
      help: `Age of the oldest event of the log: ${what}`,
      labelNames,
      ask: async () => (await ask()).map(({ labels, lag: { seconds } }) => ({ labels, value: seconds })),
    });
  }
}

export interface LagsByLabel {
  labelNames?: readonly string[];
  ask: () => Promise<{ labels?: Record<string, string>; lag: Lag }[]>;
}
