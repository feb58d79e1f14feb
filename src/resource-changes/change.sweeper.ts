import { type Clock, type Logger, type LoopState, type StepOutcome, WorkLoop } from '../platform';
import type { ResourceChangeStore } from './resource-change.store';

/**
 * How long a repeat is known as one (decided): longer than the topic keeps a record and the dead letters keep it after that, seven
 * days each, and than any sender goes on trying.
 */
const rememberedForMs = 30 * 24 * 60 * 60 * 1000;
/** Rows deleted in one step, and the pause when there are no more. */
const forgetMax = 1_000;
const forgetEveryMs = 10 * 60 * 1000;

/** Forgets the changes of long ago. */
export class ChangeSweeper {
  private readonly loop: WorkLoop;

  constructor(
    private readonly store: ResourceChangeStore,
    private readonly clock: Clock,
    log: Logger,
  ) {
    this.loop = new WorkLoop({ name: 'resource-changes', step: () => this.forget(), idleMs: forgetEveryMs, log });
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
    const since = new Date(this.clock.now().getTime() - rememberedForMs);
    return (await this.store.forget(since, forgetMax)) === forgetMax ? 'more' : 'idle';
  }
}
