import { Counter, type Registry } from 'prom-client';
import {
  type CheckResult,
  type Clock,
  describeError,
  isOutage,
  type Logger,
  loopCheck,
  Signal,
  type StepOutcome,
  WorkLoop,
} from '../platform';
import type { AuditLine, KeptLine } from './audit-line';
import type { AuditLineStore } from './audit-line.store';

/** Lines stored in one statement. */
const batchMax = 500;
/** Lines waiting, for instance for a database that is away; what comes on top stands in the log only. */
const waitingMax = 10_000;
/** Whoever waits for a line waits no longer than this: it is stored later then. */
const patienceMs = 1_000;
const idleMs = 5_000;

interface Waiting {
  line: KeptLine;
  /** The first try to store it is over, for better or worse. */
  tried: () => void;
}

/**
 * Takes audit lines and stores them in gathered writes: what comes in while one is under way goes with the next. Whoever awaits a
 * line knows that it is stored, unless the database is away: then it is stored once that is back.
 */
export class AuditTrail {
  private readonly waiting: Waiting[] = [];
  private readonly added = new Signal();
  private readonly loop: WorkLoop;
  private readonly lost: Counter;

  constructor(
    private readonly store: Pick<AuditLineStore, 'add'>,
    private readonly clock: Clock,
    private readonly log: Logger,
    registry: Registry,
  ) {
    this.lost = new Counter({
      name: 'medmij_audit_lines_lost_total',
      help: 'Audit lines that could not be stored and stand in the log only',
      registers: [registry],
    });
    this.loop = new WorkLoop({ name: 'audit', step: () => this.storeBatch(), idleMs, wakeUp: this.added, log });
  }

  /** Something an operator did, had done or was refused; also a line of the log, without its free text. Never throws. */
  write(line: AuditLine): Promise<void> {
    const { at: _at, ...told } = loggable(line);
    this.log.info(told, 'ops.audit');
    return this.take({ ...line, isOperation: true });
  }

  /** A step of a request that leaves no row of its own elsewhere. Never throws; nothing need wait for it. */
  step(line: AuditLine): void {
    void this.take({ ...line, isOperation: false });
  }

  start(): void {
    this.loop.start();
  }

  /** Stores what waits, if the database takes it. */
  async stop(): Promise<void> {
    await this.loop.stop();
    try {
      while ((await this.storeBatch()) === 'more');
    } catch (error) {
      this.log.error({ lines: this.waiting.length, error: describeError(error) }, 'audit.not_stored_at_the_end');
      for (const { line } of this.waiting.splice(0)) this.lose(line);
    }
  }

  check(): CheckResult {
    return loopCheck(this.loop.state());
  }

  private async take(line: KeptLine): Promise<void> {
    if (this.waiting.length >= waitingMax || !this.loop.state().running) {
      this.lose(line);
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patienceMs);
      const tried = () => {
        clearTimeout(timer);
        resolve();
      };
      this.waiting.push({ line, tried });
      this.added.raiseHere();
    });
  }

  private async storeBatch(): Promise<StepOutcome> {
    const batch = this.waiting.slice(0, batchMax);
    if (batch.length === 0) return 'idle';
    try {
      await this.storeEach(batch.map(({ line }) => line));
      this.waiting.splice(0, batch.length);
    } finally {
      for (const { tried } of batch) tried();
    }
    return 'more';
  }

  /**
   * One line that the database refuses must not keep the others from being stored; nor must a month that was attached while they
   * were on their way to the strays, which PostgreSQL refuses once.
   * @throws the database's error when it is away
   */
  private async storeEach(lines: readonly KeptLine[]): Promise<void> {
    try {
      await this.store.add(lines, this.clock.now());
    } catch (error) {
      if (isOutage(error)) throw error;
      for (const line of lines) await this.storeAlone(line);
    }
  }

  private async storeAlone(line: KeptLine): Promise<void> {
    try {
      await this.store.add([line], this.clock.now());
    } catch (error) {
      if (isOutage(error)) throw error;
      this.log.error({ what: line.what, error: describeError(error) }, 'audit.line_refused');
      this.lose(line);
    }
  }

  private lose(line: KeptLine): void {
    this.lost.inc();
    this.log.error({ line: loggable(line) }, 'audit.line_lost');
  }
}

/** What people write in their own words may name somebody, and a log goes further and is kept otherwise than the trail. */
function loggable<Line extends AuditLine>({ reason_text: _words, ...line }: Line): Omit<Line, 'reason_text'> {
  return line;
}
