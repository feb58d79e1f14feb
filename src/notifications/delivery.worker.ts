import { setTimeout as pause } from 'node:timers/promises';
import type { NotificationClient } from '../client-connections';
import {
  type Clock,
  describeError,
  type Logger,
  type LoopState,
  type Signal,
  type StepOutcome,
  WorkLoop,
} from '../platform';
import type { CompletionBatcher, Outcome } from './completion-batcher';
import type { DeliveryAttempt } from './delivery.attempt';
import { DeliveryHand, type HeldDelivery } from './delivery-hand';
import type { DeliveryMetrics } from './delivery.metrics';
import type { DeliveryQueue } from './delivery-queue.store';

/** Between two looks for what has fallen due: what is new is told by a signal, and no retry is planned to the second. */
const idleMs = { heard: 1_000, unheard: 100 };
/** Between two claims while there is much to do: meanwhile places become free, so that a claim is worth its statement. */
const gatherMs = 15;
/** A claim is extended while it is in hand. What a killed process held is free after this long. */
const leaseMs = 8_000;
const leaseEveryMs = 1_000;
/** Extended when less than this is left, so that an extension may fail a few times. */
const leaseLeftMs = 5_000;
/** Expired claims put back in one step. */
const expiredMax = 500;

/** Everything the worker works with. */
export interface DeliveryParts {
  queue: DeliveryQueue;
  attempts: Pick<DeliveryAttempt, 'make'>;
  completions: CompletionBatcher;
  client: Pick<NotificationClient, 'heldBackBy'>;
  clock: Clock;
  planned: Signal;
  metrics: DeliveryMetrics;
  log: Logger;
}

/** Sends due notifications: claims them, has them tried, records the outcome. Nothing is claimed while nothing can be sent. */
export class DeliveryWorker {
  private readonly hand = new DeliveryHand();
  private readonly underWay = new Set<Promise<void>>();
  private readonly loop: WorkLoop;
  private readonly leases: WorkLoop;
  private heldBackBy?: string;

  constructor(private readonly parts: DeliveryParts) {
    const { planned, log } = parts;
    this.loop = new WorkLoop({
      name: 'delivery',
      step: () => this.step(),
      idleMs: idleMs.unheard,
      wakeUp: planned,
      log,
    });
    this.leases = new WorkLoop({
      name: 'delivery-leases',
      step: () => this.keepLeases(),
      idleMs: leaseEveryMs,
      log,
    });
  }

  start(): void {
    this.loop.start();
    this.leases.start();
  }

  /** What has not begun is given back; calls under way are waited for, and their outcomes recorded. */
  async stop(): Promise<void> {
    await this.loop.stop();
    await this.giveBack(this.hand.removeWaiting());
    await Promise.all(this.underWay);
    await this.leases.stop();
  }

  /** `heldBackBy`: why nothing is being sent at all. */
  state(): LoopState & { heldBackBy?: string } {
    return { ...this.loop.state(), ...(this.heldBackBy !== undefined && { heldBackBy: this.heldBackBy }) };
  }

  private async step(): Promise<StepOutcome> {
    const { client, queue, clock, planned } = this.parts;
    this.heldBackBy = await client.heldBackBy(clock.now());
    if (this.heldBackBy !== undefined) return 'idle';
    const room = this.hand.room(performance.now());
    if (!room) {
      await pause(gatherMs);
      return 'more';
    }
    const askedAtMs = performance.now();
    const claimed = await queue.claimDue(clock.now(), room, leaseMs);
    this.hand.take(claimed, askedAtMs + leaseMs, performance.now());
    this.begin();
    if (claimed.length > 0 && this.hand.size > 0) {
      await pause(gatherMs);
      return 'more';
    }
    return { againInMs: planned.isShared ? idleMs.heard : idleMs.unheard };
  }

  private begin(): void {
    for (const one of this.hand.begin(performance.now())) {
      const done = this.deliver(one)
        .catch((error: unknown) => this.parts.log.error({ error: describeError(error) }, 'delivery.failed'))
        .finally(() => {
          this.underWay.delete(done);
          this.hand.drop(one);
        });
      this.underWay.add(done);
    }
  }

  private async deliver(one: HeldDelivery): Promise<void> {
    const { attempts, completions, planned } = this.parts;
    let outcome: Outcome | undefined;
    try {
      outcome = await attempts.make(one.delivery, () => performance.now() < one.leaseUntilMs);
    } finally {
      this.hand.called(one, outcome?.endpoint ?? 'none', performance.now());
      this.begin();
    }
    if (!outcome) return this.giveBack([one]);
    const counted = await completions.record(outcome);
    this.tell(outcome, counted);
    // The next one of the same subscription may go now; this process looks, and one that is enough.
    planned.raiseHere();
  }

  private tell(outcome: Outcome, counted: boolean): void {
    const { log, metrics } = this.parts;
    const { delivery, completion } = outcome;
    if (counted) metrics.attempted(outcome);
    log.info(
      {
        delivery_id: delivery.delivery_id,
        subscription_id: delivery.subscription_id,
        client_id: delivery.client_id,
        notification_type: delivery.notification_type,
        correlation_id: delivery.correlation_id,
        attempt: delivery.attempts + Number(completion.isCounted),
        outcome: completion.state,
        status: completion.attempt.status,
        reason: completion.attempt.error,
        duration_ms: completion.attempt.durationMs,
        next_attempt_at: completion.state === 'pending' ? completion.dueAt : undefined,
        probe: delivery.is_probe || undefined,
        overtaken: counted ? undefined : true,
      },
      'delivery.attempted',
    );
  }

  private async giveBack(held: readonly HeldDelivery[]): Promise<void> {
    for (const one of held) this.hand.drop(one);
    if (held.length > 0) await this.parts.queue.giveBack(held.map(({ delivery }) => delivery));
  }

  private async keepLeases(): Promise<StepOutcome> {
    const { queue } = this.parts;
    const askedAtMs = performance.now();
    const expiring = this.hand.expiringBefore(askedAtMs + leaseLeftMs);
    if (expiring.length > 0) {
      const kept = await queue.extend(
        expiring.map(({ delivery }) => delivery),
        leaseMs,
      );
      // What is lost stays as it is: it is not sent any more, and its outcome counts no more.
      for (const one of expiring) if (kept.has(one.delivery.delivery_id)) one.leaseUntilMs = askedAtMs + leaseMs;
    }
    const freed = await queue.freeExpired(expiredMax);
    if (freed > 0) this.parts.planned.raiseHere();
    return freed === expiredMax ? 'more' : 'idle';
  }
}
