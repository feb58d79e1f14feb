import { randomUUID } from 'node:crypto';
import type { CommandBus } from '@nestjs/cqrs';
import { type CheckpointStore, type EventStore, HeldLease } from '../event-store';
import { type Clock, type Logger, type LoopState, type StepOutcome, WorkLoop } from '../platform';
import { dateOf, ExpireOrder } from '../subscriptions';

/** Streams ended in one step. */
const pageSize = 500;
const idleMs = 1_000;

/** Ends subscriptions whose end date has come, at the day border in Amsterdam; in one process at a time by lease. */
export class ExpiryScheduler {
  private readonly lease: HeldLease;
  private readonly loop: WorkLoop;

  constructor(
    checkpoints: CheckpointStore,
    private readonly eventStore: EventStore,
    private readonly commandBus: Pick<CommandBus, 'execute'>,
    private readonly clock: Clock,
    log: Logger,
  ) {
    this.lease = new HeldLease(checkpoints, 'expiry');
    this.loop = new WorkLoop({
      name: 'expiry',
      step: () => this.step(),
      idleMs,
      wakeUp: checkpoints.released,
      log,
    });
  }

  start(): void {
    this.loop.start();
  }

  async stop(): Promise<void> {
    await this.loop.stop();
    await this.lease.giveBack();
  }

  state(): LoopState {
    return this.loop.state();
  }

  private async step(): Promise<StepOutcome> {
    if (!this.lease.current() && !(await this.lease.take())) return { againInMs: await this.lease.freeInMs() };
    const now = this.clock.now();
    const due = await this.eventStore.dueOn(dateOf(now), pageSize);
    const ended = await Promise.allSettled(
      due.map((streamId) => {
        const id = randomUUID();
        return this.commandBus.execute(new ExpireOrder(streamId, { correlation_id: id, causation_id: id }, now));
      }),
    );
    const failed = ended.find((outcome) => outcome.status === 'rejected');
    // The others of the page are done; this one comes back at the next step, after the loop's pause.
    if (failed) throw new Error('A stream that is due could not be ended.', { cause: failed.reason });
    return due.length === pageSize ? 'more' : 'idle';
  }
}
