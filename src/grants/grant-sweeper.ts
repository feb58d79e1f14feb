import { type Clock, type Logger, type LoopState, type StepOutcome, WorkLoop } from '../platform';
import type { GrantStore } from './grant.store';

/** Kept so long after code and token are over: until then the log can say of a code that it was presented again. */
const keptForMs = 60 * 60 * 1_000;
/** Rows deleted in one step, and the pause when there are no more. */
const forgetMax = 1_000;
const forgetEveryMs = 60_000;

/** Deletes the grants whose lives are over, and with them the sealed subjects. */
export class GrantSweeper {
  private readonly loop: WorkLoop;

  constructor(
    private readonly store: GrantStore,
    private readonly clock: Clock,
    log: Logger,
  ) {
    this.loop = new WorkLoop({ name: 'grants', step: () => this.forget(), idleMs: forgetEveryMs, log });
  }

  start(): void {
    this.loop.start();
  }

  async stop(): Promise<void> {
    await this.loop.stop();
  }

  state(): LoopState {
    return this.loop.state();
  }

  private async forget(): Promise<StepOutcome> {
    const before = new Date(this.clock.now().getTime() - keptForMs);
    return (await this.store.forget(before, forgetMax)) === forgetMax ? 'more' : 'idle';
  }
}
