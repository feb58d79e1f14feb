import {
  type CheckResult,
  type Clock,
  type Database,
  describeError,
  type Logger,
  loopCheck,
  MonthPartitions,
  WorkLoop,
} from '../platform';
import type { DestructionRecords } from './destruction-records.store';

const everyMs = 60_000;

/** core.logging.101: at least 24 months and at most 36; a month goes when all of it has been kept for 24. */
const keptMonths = 24;

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
    const table = { name: 'audit_line', by: 'written_at', keptMonths };
    this.months = new MonthPartitions(database, table, (queries, { table: what, ...month }) =>
      destructions.write({ what, ...month, at: clock.now() }, queries),
    );
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
