import type { CommandBus } from '@nestjs/cqrs';
import type { NotificationClient } from '../client-connections';
import type { ListStore } from '../medmij-lists';
import { type Clock, type Database, isOutage } from '../platform';
import { TerminateOrder } from '../subscriptions';
import type { Outcome } from './completion-batcher';
import type { AttemptRecord, BeforeSending, ClaimedDelivery } from './delivery';
import type { DeliveryStore } from './delivery.store';
import { requestIdOf } from './notification-request';
import { nextAttempt } from './retry-schedule';
import { type CallAnswer, isWell, type Verdict, verdictOf } from './verdict';

/** After it could not be found out whether a notification may be sent. */
const askAgainAfterMs = { min: 5_000, spread: 5_000 };

export interface AttemptParts {
  database: Database;
  store: DeliveryStore;
  client: NotificationClient;
  lists: ListStore;
  beforeSending: BeforeSending;
  commandBus: Pick<CommandBus, 'execute'>;
  clock: Clock;
  startGraceS: number;
}

/** One try of one claimed delivery: what is asked before it, the call, and what its answer leads to. */
export class DeliveryAttempt {
  constructor(private readonly parts: AttemptParts) {}

  /**
   * @param stillHeld asked just before the call: whether the delivery is still ours
   * @returns the outcome to record, or undefined when nothing was sent and it is to be given back as it was
   */
  async make(delivery: ClaimedDelivery, stillHeld: () => boolean): Promise<Outcome | undefined> {
    const startedMs = performance.now();
    const attempt = (status: number | null, error: string | null): AttemptRecord => ({
      at: this.parts.clock.now(),
      status,
      error,
      durationMs: Math.round(performance.now() - startedMs),
    });
    const unsent = { delivery, endpoint: 'none', askedPauseS: 0 } as const;
    if (delivery.notification_type === 'resource') {
      if (delivery.subscription_ended)
        return {
          ...unsent,
          completion: { state: 'dropped', attempt: attempt(null, 'subscription_ended'), isCounted: false },
        };
      const may = await this.mayTell(delivery);
      if (may === 'unknown') {
        const dueAt = new Date(
          this.parts.clock.now().getTime() + askAgainAfterMs.min + askAgainAfterMs.spread * Math.random(),
        );
        return {
          ...unsent,
          completion: { state: 'pending', attempt: attempt(null, 'availability_unknown'), dueAt, isCounted: false },
        };
      }
      if (may === 'no')
        return {
          ...unsent,
          completion: { state: 'dropped', attempt: attempt(null, 'not_available'), isCounted: false },
        };
    }
    if (!stillHeld()) return undefined;
    const answer = await this.call(delivery);
    if (answer === 'held_back') return undefined;
    const now = this.parts.clock.now();
    const verdict = verdictOf(answer, {
      now,
      startedAt: delivery.started_at ?? undefined,
      confirmed: delivery.confirmed_at !== null,
      startGraceS: this.parts.startGraceS,
    });
    if (verdict.kind === 'unknown_subscription') await this.endSubscription(delivery, now);
    const status = answer.kind === 'answered' ? answer.status : null;
    return {
      delivery,
      endpoint: isWell(answer) ? 'well' : 'failed',
      askedPauseS: verdict.kind === 'retry' ? (verdict.retryAfterS ?? 0) : 0,
      completion: completionOf(verdict, delivery, attempt(status, errorOf(verdict))),
    };
  }

  private async mayTell(delivery: ClaimedDelivery): Promise<'yes' | 'no' | 'unknown'> {
    try {
      return (await this.parts.beforeSending.mayTell(delivery)) ? 'yes' : 'no';
    } catch {
      // Whoever answers is away, or cannot answer for this one: nothing is sent on a guess.
      return 'unknown';
    }
  }

  private async call(delivery: ClaimedDelivery): Promise<CallAnswer | 'held_back'> {
    const { lists, client } = this.parts;
    const endpoints = lists
      .current()
      .notificationEndpoints(delivery.client_id, delivery.interface_version, delivery.service_id);
    const baseUri = endpoints?.[delivery.notification_type];
    if (baseUri === undefined) return { kind: 'failed', error: 'endpoint_not_listed' };
    const answer = await client.send({
      baseUri,
      body: {
        subscription_id: delivery.subscription_id,
        notification_type: delivery.notification_type,
        ...(delivery.end_date !== null && { end_date: delivery.end_date }),
      },
      requestId: requestIdOf(delivery.delivery_id, delivery.fence),
      correlationId: delivery.correlation_id,
    });
    return answer.kind === 'held_back' ? 'held_back' : answer;
  }

  /** Before the outcome is recorded: after a crash in between the answer comes again, and ending twice ends once. */
  private async endSubscription(delivery: ClaimedDelivery, now: Date): Promise<void> {
    const { commandBus, database, store } = this.parts;
    const trace = { correlation_id: delivery.correlation_id, causation_id: delivery.delivery_id };
    for (let attempt = 1; ; attempt += 1) {
      try {
        await commandBus.execute(new TerminateOrder(delivery.subscription_id, 'client_endpoint', trace, now));
        break;
      } catch (error) {
        if (!isOutage(error) || attempt >= 3) throw error;
      }
    }
    // Before this one is out of the way: the next would be claimed and sent at once.
    await store.dropWaiting([delivery.subscription_id], 'invalid_subscription_id', database);
  }
}

function errorOf(verdict: Verdict): string | null {
  switch (verdict.kind) {
    case 'delivered':
      return null;
    case 'unknown_subscription':
      return 'invalid_subscription_id';
    case 'dead':
    case 'retry':
      return verdict.error;
  }
}

function completionOf(verdict: Verdict, delivery: ClaimedDelivery, attempt: AttemptRecord): Outcome['completion'] {
  switch (verdict.kind) {
    case 'delivered':
      return { state: 'delivered', attempt, isCounted: true };
    case 'unknown_subscription':
      return { state: 'dropped', attempt, isCounted: true };
    case 'dead':
      return { state: 'dead', attempt, isCounted: true };
    case 'retry': {
      const dueAt = nextAttempt({
        type: delivery.notification_type,
        firstDueAt: delivery.first_due_at,
        now: attempt.at,
        deadlineAt: delivery.deadline_at,
        retryAfterS: verdict.retryAfterS,
        random: Math.random(),
      });
      return dueAt
        ? { state: 'pending', attempt, dueAt, isCounted: !verdict.isPushBack }
        : { state: 'dead', attempt, isCounted: true };
    }
  }
}
