import { describeError, type Logger } from './logger';
import type { Signal } from './signal';

/** What one bounded step found: `more` work at once, nothing for now, or nothing before a moment of its own choice. */
export type StepOutcome = 'more' | 'idle' | { againInMs: number };

export interface WorkLoopOptions {
  name: string;
  /** One bounded batch. An error is logged, counted and tried again after a growing pause. */
  step: () => Promise<StepOutcome>;
  /** Pause after an idle step; a signal ends it early, also one that was raised during the step. */
  idleMs: number;
  wakeUp?: Signal;
  log: Logger;
}

const pauseAfterErrorMs = { first: 100, max: 5_000 };

/** How a loop is doing: `failingSince` is when it last stopped getting anywhere, undefined while it is well. */
export interface LoopState {
  name: string;
  running: boolean;
  failingSince?: number;
  lastError?: string;
}

/**
 * A worker: does one bounded step after another until it is stopped. It never goes quiet: a step that fails is said in the log
 * and in `state()`, which readiness shows, and it is tried again for ever, with pauses that grow to five seconds.
 */
export class WorkLoop {
  private stopping = false;
  private failures = 0;
  private failingSince?: number;
  private lastError?: string;
  private done: Promise<void> = Promise.resolve();
  private endPause: () => void = () => undefined;
  /** Since the step began: it may have looked too early to see what the signal is about. */
  private woken = false;

  constructor(private readonly options: WorkLoopOptions) {}

  start(): void {
    this.options.wakeUp?.on(this.wake);
    this.done = this.run();
  }

  /** Waits for the step in flight. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.options.wakeUp?.off(this.wake);
    this.endPause();
    await this.done;
  }

  state(): LoopState {
    const { failingSince, lastError } = this;
    return {
      name: this.options.name,
      running: !this.stopping,
      ...(failingSince !== undefined && { failingSince, lastError }),
    };
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      this.woken = false;
      const outcome = await this.attempt();
      if (this.stopping || outcome === 'more') continue;
      if (outcome === 'failed') await this.pause(this.pauseAfterFailureMs());
      else if (!this.woken) await this.pause(outcome === 'idle' ? this.options.idleMs : outcome.againInMs);
    }
  }

  /** A failing loop is not woken early: the signal tells of new work, not of an outage's end. */
  private readonly wake = (): void => {
    this.woken = true;
    if (this.failures === 0) this.endPause();
  };

  private async attempt(): Promise<StepOutcome | 'failed'> {
    const { name, step, log } = this.options;
    try {
      const outcome = await step();
      if (this.failures > 0) log.info({ loop: name, failures: this.failures }, 'loop.recovered');
      this.failures = 0;
      this.failingSince = undefined;
      return outcome;
    } catch (error) {
      this.failures += 1;
      this.failingSince ??= performance.now();
      this.lastError = error instanceof Error ? error.message : String(error);
      log.error({ loop: name, failures: this.failures, error: describeError(error) }, 'loop.failed');
      return 'failed';
    }
  }

  private pauseAfterFailureMs(): number {
    return Math.min(pauseAfterErrorMs.first * 2 ** Math.min(this.failures - 1, 10), pauseAfterErrorMs.max);
  }

  private pause(pauseMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      this.endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
