import { randomUUID } from 'node:crypto';
import type { CommandBus } from '@nestjs/cqrs';
import type { Answer, NotificationClient } from '../client-connections';
import type { ListStore } from '../medmij-lists';
import {
  type Clock,
  type Database,
  isOutage,
  type Logger,
  type LoopState,
  type Signal,
  type StepOutcome,
  WorkLoop,
} from '../platform';
import { TerminateOrder } from '../subscriptions';
import type { AttemptRecord, ClaimedDelivery, Completion } from './delivery';
import type { DeliveryQueue } from './delivery-queue.store';
import type { DeliveryStore } from './delivery.store';
import type { DeliveryMetrics } from './delivery.metrics';
import { nextAttempt } from './retry-schedule';
import { type Verdict, verdictOf } from './verdict';

/** Calls under way at once in one process. */
const slots = 64;
/** Between two looks for what has fallen due: what is new is told by a signal, and no retry is planned to the second. */
const idleMs = { heard: 1_000, unheard: 100 };
/** Longer than the budget of a call and the recording of its outcome together. */
const leaseMs = 14_000;

/** Everything the worker works with. */
export interface DeliveryParts {
  database: Database;
  store: DeliveryStore;
  queue: DeliveryQueue;
  client: NotificationClient;
  lists: ListStore;
  commandBus: Pick<CommandBus, 'execute'>;
  clock: Clock;
  planned: Signal;
  metrics: DeliveryMetrics;
  log: Logger;
  startGraceS: number;
}

/** Sends due notifications: claims them, calls the client, records the outcome. Fails closed: no identity or no fresh list, no send. */
export class DeliveryWorker {
  private readonly loop: WorkLoop;
  private readonly inHand = new Set<Promise<void>>();
  private heldBackBy?: string;

  constructor(private readonly parts: DeliveryParts) {
    this.loop = new WorkLoop({
      name: 'delivery',
      step: () => this.step(),
      idleMs: idleMs.unheard,
      wakeUp: parts.planned,
      log: parts.log,
    });
  }

  start(): void {
    this.loop.start();
  }

  async stop(): Promise<void> {
    await this.loop.stop();
    await Promise.all(this.inHand);
  }

  /** `heldBackBy`: why nothing is being sent at all. */
  state(): LoopState & { heldBackBy?: string } {
    return { ...this.loop.state(), ...(this.heldBackBy !== undefined && { heldBackBy: this.heldBackBy }) };
  }

  private async step(): Promise<StepOutcome> {
    const { client, queue, clock } = this.parts;
    this.heldBackBy = await client.heldBackBy(clock.now());
    if (this.heldBackBy !== undefined) return 'idle';
    const free = slots - this.inHand.size;
    if (free === 0) {
      await Promise.race(this.inHand);
      return 'more';
    }
    await queue.freeExpired(slots);
    const claimed = await queue.claimDue(
      clock.now(),
      { total: free, tried: free, room: slots, rooms: new Map() },
      leaseMs,
    );
    for (const delivery of claimed) this.take(this.deliver(delivery));
    if (claimed.length === free) return 'more';
    return { againInMs: this.parts.planned.isShared ? idleMs.heard : idleMs.unheard };
  }

  private take(delivering: Promise<void>): void {
    const done = delivering
      .catch((error: unknown) => this.parts.log.error({ error }, 'delivery.failed'))
      .finally(() => {
        this.inHand.delete(done);
        // The next one of the same subscription may go now; this process looks, and one that is enough.
        this.parts.planned.raiseHere();
      });
    this.inHand.add(done);
  }

  private async deliver(delivery: ClaimedDelivery): Promise<void> {
    const { clock, database, startGraceS, store, queue, log, metrics } = this.parts;
    const startedMs = performance.now();
    const answer = await this.call(delivery);
    const now = clock.now();
    const verdict = verdictOf(answer, {
      now,
      startedAt: delivery.started_at ?? undefined,
      confirmed: delivery.confirmed_at !== null,
      startGraceS,
    });
    if (verdict.kind === 'unknown_subscription') {
      await this.endSubscription(delivery, now);
      // Before this one is out of the way: the next would be claimed and sent at once.
      await store.dropWaiting([delivery.subscription_id], 'invalid_subscription_id', database);
    }
    const durationMs = Math.round(performance.now() - startedMs);
    const completion = completionOf(verdict, answer, delivery, now, durationMs);
    const counted = (await queue.complete([{ delivery, completion }])).has(delivery.delivery_id);
    metrics.attempted(completion.state === 'pending' ? 'retry' : completion.state);
    log.info(
      {
        delivery_id: delivery.delivery_id,
        subscription_id: delivery.subscription_id,
        client_id: delivery.client_id,
        notification_type: delivery.notification_type,
        correlation_id: delivery.correlation_id,
        attempt: delivery.attempts + 1,
        outcome: completion.state,
        status: completion.attempt.status,
        reason: completion.attempt.error,
        duration_ms: durationMs,
        next_attempt_at: completion.state === 'pending' ? completion.dueAt : undefined,
        overtaken: counted ? undefined : true,
      },
      'delivery.attempted',
    );
  }

  private async call(delivery: ClaimedDelivery): Promise<Answer> {
    const { lists, client } = this.parts;
    const endpoints = lists
      .current()
      .notificationEndpoints(delivery.client_id, delivery.interface_version, delivery.service_id);
    const baseUri = endpoints?.[delivery.notification_type];
    if (baseUri === undefined) return { kind: 'failed', error: 'endpoint_not_listed' };
    return client.send({
      baseUri,
      body: {
        subscription_id: delivery.subscription_id,
        notification_type: delivery.notification_type,
        ...(delivery.end_date !== null && { end_date: delivery.end_date }),
      },
      requestId: randomUUID(),
      correlationId: delivery.correlation_id,
    });
  }

  /** Before the outcome is recorded: after a crash in between the answer comes again, and ending twice ends once. */
  private async endSubscription(delivery: ClaimedDelivery, now: Date): Promise<void> {
    const trace = { correlation_id: delivery.correlation_id, causation_id: delivery.delivery_id };
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.parts.commandBus.execute(
          new TerminateOrder(delivery.subscription_id, 'client_endpoint', trace, now),
        );
        return;
      } catch (error) {
        if (!isOutage(error) || attempt >= 3) throw error;
      }
    }
  }
}

function completionOf(
  verdict: Verdict,
  answer: Answer,
  delivery: ClaimedDelivery,
  now: Date,
  durationMs: number,
): Completion {
  const status = answer.kind === 'answered' ? answer.status : null;
  const attempt = (error: string | null): AttemptRecord => ({ at: now, status, error, durationMs });
  const isCounted = true;
  switch (verdict.kind) {
    case 'delivered':
      return { state: 'delivered', attempt: attempt(null), isCounted };
    case 'unknown_subscription':
      return { state: 'dropped', attempt: attempt('invalid_subscription_id'), isCounted };
    case 'dead':
      return { state: 'dead', attempt: attempt(verdict.error), isCounted };
    case 'retry': {
      const dueAt = nextAttempt({
        attempts: delivery.attempts + 1,
        now,
        deadlineAt: delivery.deadline_at,
        retryAfterS: verdict.retryAfterS,
        random: Math.random(),
      });
      return dueAt
        ? { state: 'pending', attempt: attempt(verdict.error), dueAt, isCounted }
        : { state: 'dead', attempt: attempt(verdict.error), isCounted };
    }
  }
}
