import {
  type CheckResult,
  type Clock,
  describeError,
  type Logger,
  loopCheck,
  type MonthPartitions,
  WorkLoop,
} from '../platform';
import type { DeliveryLedger } from './delivery-ledger.store';
import type { DeliveryQueue } from './delivery-queue.store';

const everyMs = 60_000;
/** Deliveries given up in one step. */
const givenUpMax = 500;

/** Keeps the tables of deliveries in order: months of the log of attempts, the ledger, the end of what nobody could be told in time. */
export class DeliveryKeeper {
  private readonly loop: WorkLoop;
  private hasMonth = true;

  constructor(
    private readonly attempts: MonthPartitions,
    private readonly queue: DeliveryQueue,
    private readonly ledger: DeliveryLedger,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {
    this.loop = new WorkLoop({
      name: 'delivery-keeper',
      step: async () => {
        const now = this.clock.now();
        await this.attempts.keep(now);
        this.hasMonth = await this.attempts.hasMonthOf(now);
        await this.ledger.keep(now);
        return (await this.queue.giveUpOverdue(now, givenUpMax)) === givenUpMax ? 'more' : 'idle';
      },
      idleMs: everyMs,
      log,
    });
  }

  /**
   * Before anybody writes to the log of attempts: a row that is on its way to the strays while its month is attached is refused
   * by PostgreSQL. Without a database the loop does it later.
   */
  async start(): Promise<void> {
    try {
      await this.attempts.keep(this.clock.now(), { waits: true });
    } catch (error) {
      this.log.warn({ error: describeError(error) }, 'attempt_log.months_not_made');
    }
    this.loop.start();
  }

  stop(): Promise<void> {
    return this.loop.stop();
  }

  check(): CheckResult {
    return this.hasMonth
      ? loopCheck(this.loop.state())
      : { status: 'degraded', reason: 'the log of attempts has no partition for this month' };
  }
}
