import { describeError, type Logger, type LoopState, type StepOutcome, WorkLoop } from '../platform';
import type { LogHolder, LogHoldStore } from './log-hold.store';

/**
 * `lookEveryMs`: between two looks. `heldAfterMs`: every append is a transaction that holds the log back for some milliseconds; one that
 * does so for this long is named.
 */
const logWatchTimes = { lookEveryMs: 2_000, heldAfterMs: 5_000 };

/** A transaction that holds the log back: nothing that was appended since it began can be read by anybody. */
export interface LogHold extends LogHolder {
  /** Of the transaction, or as long as it has been watched where its begin cannot be seen. */
  age_s: number;
}

export interface LogWatchOptions {
  /** A session that has held the log back for this long is ended; 0: never. */
  endAfterS: number;
}

/**
 * Names, within ten seconds, whoever holds the log back: in the log when it begins and ends, in readiness, metrics and ops all
 * the time. One that holds it is named whether or not events wait behind it, for the next append will.
 */
export class LogWatch {
  private readonly loop: WorkLoop;
  /** The oldest transaction that is not over, and when it was first seen to be that, by this process's own clock. */
  private oldest?: { xid: string; seenAtMs: number };
  private hold?: LogHold;
  /** The transaction that could not be ended: said once. */
  private unendable?: string;

  constructor(
    private readonly store: LogHoldStore,
    private readonly log: Logger,
    private readonly options: LogWatchOptions,
    private readonly times = logWatchTimes,
  ) {
    this.loop = new WorkLoop({ name: 'log-watch', step: () => this.step(), idleMs: times.lookEveryMs, log });
  }

  /** Who holds the log back as of the last look. */
  heldBy(): LogHold | undefined {
    return this.hold;
  }

  start(): void {
    this.loop.start();
  }

  stop(): Promise<void> {
    return this.loop.stop();
  }

  state(): LoopState {
    return this.loop.state();
  }

  private async step(): Promise<StepOutcome> {
    const { xid, isRunning } = await this.store.oldestNotOver();
    if (xid !== this.oldest?.xid) {
      this.release();
      this.oldest = { xid, seenAtMs: performance.now() };
      return 'idle';
    }
    const heldMs = performance.now() - this.oldest.seenAtMs;
    if (heldMs < this.times.heldAfterMs) return 'idle';
    const holder = (await this.store.holderOf(xid)) ?? (isRunning ? unseen : undefined);
    if (!holder) {
      this.release();
      return 'idle';
    }
    const isNew = this.hold === undefined;
    this.hold = { ...holder, age_s: Math.round(holder.age_s ?? heldMs / 1_000) };
    if (isNew) this.log.warn({ ...this.hold }, 'log.held');
    const { endAfterS } = this.options;
    if (endAfterS > 0 && heldMs >= endAfterS * 1_000) await this.end(this.hold, xid);
    return 'idle';
  }

  private release(): void {
    if (this.hold) this.log.info({ ...this.hold }, 'log.released');
    this.hold = undefined;
  }

  /** A prepared transaction can be ended in its own database only, so it is only named. */
  private async end(hold: LogHold, xid: string): Promise<void> {
    if (hold.pid === null) return;
    try {
      if (await this.store.end(hold.pid, xid)) this.log.warn({ ...hold }, 'log.holder_ended');
    } catch (error) {
      if (this.unendable !== xid) this.log.error({ ...hold, error: describeError(error) }, 'log.holder_not_ended');
      this.unendable = xid;
    }
  }
}

/** It ended in between, or is hidden from this role: that something holds the log back is still to be said. */
const unseen: LogHolder = {
  database: null,
  pid: null,
  prepared: null,
  age_s: null,
  query_start: null,
  state: null,
  application_name: null,
};

/** In one sentence, for people on call. */
export function describeHold({ database, pid, prepared, age_s, application_name }: LogHold): string {
  const who =
    prepared !== null
      ? `the prepared transaction ${prepared}`
      : pid !== null
        ? `a transaction of session ${pid}${application_name === null ? '' : ` (${application_name})`}`
        : 'a transaction that cannot be seen';
  return `${who}${database === null ? '' : ` in database ${database}`} holds the log back since ${age_s} s`;
}
