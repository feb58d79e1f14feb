import { type Clock, type Logger, type LoopState, type StepOutcome, WorkLoop } from '../platform';
import type { AuthorizationAudit } from './authorization.audit';
import type { InteractionStore } from './interaction.store';

/** Rows of one step, of each kind. */
const pageSize = 500;
const idleMs = 5_000;
/** Answers with a code, and whom the statement was shown to, are kept for the second click of a double click only. */
const answersKeptMs = 60_000;
/** What has ended stays visible to operators for a month (decided). */
const keptMs = 30 * 24 * 60 * 60 * 1_000;

/**
 * Ends what nobody finished, so that operators see it as abandoned, and forgets what is old. Nothing waits for it: an interaction
 * is expired by the time that is sealed into its handle. So it needs no lease (several take different rows), and it runs with
 * the role that has the other work of the clock, while processes with the role `api` answer requests only.
 */
export class InteractionSweeper {
  private readonly loop: WorkLoop;

  constructor(
    private readonly store: InteractionStore,
    private readonly audit: AuthorizationAudit,
    private readonly clock: Clock,
    log: Logger,
  ) {
    this.loop = new WorkLoop({ name: 'interactions', step: () => this.step(), idleMs, log });
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
    const now = this.clock.now();
    const before = (ms: number) => new Date(now.getTime() - ms);
    const ended = await this.store.endExpired(now, pageSize);
    for (const { outcome, exception, ...row } of ended) {
      const request = {
        interactionId: row.interaction_id,
        clientId: row.client_id,
        requestId: row.request_id,
        correlationId: row.correlation_id,
      };
      this.audit.end(request, outcome!, exception);
    }
    const counts = [
      ended.length,
      await this.store.forgetAnswers(before(answersKeptMs), pageSize),
      await this.store.forgetShownBefore(before(answersKeptMs), pageSize),
      await this.store.forget(before(keptMs), pageSize),
    ];
    return counts.includes(pageSize) ? 'more' : 'idle';
  }
}
