import { type Clock, type Logger, type LoopState, type StepOutcome, WorkLoop } from '../platform';
import type { ProjectionStore } from './projection.store';
import type { ProjectionCheck } from './projection-check';
import { subscriptions } from './subscription-view.store';

/** Between two looks whether the day is over. */
const idleMs = 30_000;
/** Whoever took the comparison upon itself and did not finish it has lost it after this time. */
const takenMs = 10 * 60 * 1000;

/** Compares the live view with the log once a day, in one process; what it finds is in the log and, by the store, in a metric. */
export class DriftCheck {
  private readonly loop: WorkLoop;

  constructor(
    private readonly check: ProjectionCheck,
    private readonly projections: ProjectionStore,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {
    this.loop = new WorkLoop({ name: 'drift check', step: () => this.step(), idleMs, log });
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

  private async step(): Promise<StepOutcome> {
    if (!(await this.projections.takeDueCheck(subscriptions, this.clock.now(), takenMs))) return 'idle';
    const { checked, differing, version } = await this.check.compare();
    await this.projections.noteChecked(subscriptions, this.clock.now(), differing.length);
    const line = { projection: subscriptions, version, checked };
    if (differing.length === 0) this.log.info(line, 'projection.checked');
    else this.log.error({ ...line, differing }, 'projection.drifted');
    return 'idle';
  }
}
