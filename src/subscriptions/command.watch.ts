import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Logger, TraceSpan, Tracing } from '../platform';
import type { BatchWatch, CarriedOut, OrderOutcome } from './command-batcher';
import type { Order } from './order';

const outcomes: readonly OrderOutcome[] = ['recorded', 'unchanged', 'refused', 'failed'];

/** What operators see of the write side: one line a batch, one span an order, and figures of both. */
export class CommandWatch implements BatchWatch {
  private readonly commands: Counter<'outcome'>;
  private readonly conflicts: Counter;
  private readonly batches: Histogram;

  constructor(
    registry: Registry,
    private readonly log: Logger,
    private readonly tracing: Tracing,
  ) {
    const registers = [registry];
    this.commands = new Counter({
      name: 'medmij_commands_total',
      help: 'Commands answered, by what became of them',
      labelNames: ['outcome'],
      registers,
    });
    for (const outcome of outcomes) this.commands.inc({ outcome }, 0);
    this.conflicts = new Counter({
      name: 'medmij_command_conflicts_total',
      help: 'Times a command had to be decided anew because somebody else was first',
      registers,
    });
    this.batches = new Histogram({
      name: 'medmij_command_batch_seconds',
      help: 'How long one batch of commands took to read, decide and append',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers,
    });
  }

  /** `waiting`: commands that wait to be appended. */
  showWaiting(registry: Registry, waiting: () => number): void {
    new Gauge({
      name: 'medmij_commands_waiting',
      help: 'Commands that wait to be appended',
      registers: [registry],
      collect() {
        this.set(waiting());
      },
    });
  }

  begin({ trace }: Order): TraceSpan | undefined {
    return this.tracing.begin({ kind: 'inside', name: 'append', parent: trace.traceparent });
  }

  ended({ trace }: Order, outcome: OrderOutcome, span: TraceSpan | undefined): void {
    this.commands.inc({ outcome });
    span?.end(
      { 'medmij.outcome': outcome, 'medmij.correlation_id': trace.correlation_id },
      outcome === 'failed' ? 'failed' : 'well',
    );
  }

  carriedOut({ orders, again, failed, waitedMs, durationMs }: CarriedOut): void {
    this.conflicts.inc(again);
    this.batches.observe(durationMs / 1_000);
    this.log[failed ? 'warn' : 'info'](
      {
        commands: orders.length,
        again,
        failed: failed || undefined,
        waited_ms: Math.round(waitedMs),
        duration_ms: Math.round(durationMs),
        correlation_ids: orders.map(({ trace }) => trace.correlation_id),
      },
      'commands.carried_out',
    );
  }
}
