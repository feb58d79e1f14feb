import {
  type CheckResult,
  type Clock,
  type Database,
  describeError,
  type Logger,
  loopCheck,
  type MonthPartitions,
  WorkLoop,
} from '../platform';
import type { DestructionRecords } from './destruction-records.store';
import { keptByMonth } from './kept-by-month';

const everyMs = 60_000;

/** Keeps the months of the audit trail. */
export class AuditKeeper {
  private readonly months: MonthPartitions;
  private readonly loop: WorkLoop;

  constructor(
    database: Database,
    destructions: DestructionRecords,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {
    this.months = keptByMonth({ name: 'audit_line', by: 'written_at' }, { database, destructions, clock });
    this.loop = new WorkLoop({
      name: 'audit-keeper',
      step: async () => {
        await this.months.keep(this.clock.now());
        return 'idle';
      },
      idleMs: everyMs,
      log,
    });
  }

  /** Before the first line is written; without a database the loop does it later. */
  async start(): Promise<void> {
    try {
      await this.months.keep(this.clock.now(), { waits: true });
    } catch (error) {
      this.log.warn({ error: describeError(error) }, 'audit.months_not_made');
    }
    this.loop.start();
  }

  stop(): Promise<void> {
    return this.loop.stop();
  }

  check(): CheckResult {
    return loopCheck(this.loop.state());
  }
}
