import { type CheckResult, type Clock, type Logger, loopCheck, WorkLoop } from '../platform';
import type { AttemptLogStore } from './attempt-log.store';
import type { DeliveryQueue } from './delivery-queue.store';

const everyMs = 60_000;
/** Deliveries given up in one step. */
const givenUpMax = 500;

/** Keeps the tables of deliveries in order: days of the log of attempts, and the end of what nobody could be told in time. */
export class DeliveryKeeper {
  private readonly loop: WorkLoop;
  private hasToday = true;

  constructor(
    private readonly attempts: AttemptLogStore,
    private readonly queue: DeliveryQueue,
    private readonly clock: Clock,
    log: Logger,
  ) {
    this.loop = new WorkLoop({
      name: 'delivery-keeper',
      step: async () => {
        await this.attempts.keepDays();
        this.hasToday = await this.attempts.hasToday();
        return (await this.queue.giveUpOverdue(this.clock.now(), givenUpMax)) === givenUpMax ? 'more' : 'idle';
      },
      idleMs: everyMs,
      log,
    });
  }

  start(): void {
    this.loop.start();
  }

  stop(): Promise<void> {
    return this.loop.stop();
  }

  check(): CheckResult {
    return this.hasToday
      ? loopCheck(this.loop.state())
      : { status: 'degraded', reason: 'the log of attempts has no partition for today' };
  }
}
