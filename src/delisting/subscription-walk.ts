import { randomUUID } from 'node:crypto';
import type { CommandBus } from '@nestjs/cqrs';
import type { ListPlace, ProjectionWait, RunningSubscriptions } from '../projections';
import type { Clock } from '../platform';
import { Refused } from '../refusals';
import { dateOf, ResumeOrder, SuspendOrder, TerminateOrder } from '../subscriptions';
import type { Delisted } from './delisting.store';

/** Subscriptions of one step. */
export const pageSize = 100;

export type Deed = 'suspending' | 'ending' | 'resuming';

export interface WalkParts {
  running: RunningSubscriptions;
  projection: ProjectionWait;
  commandBus: Pick<CommandBus, 'execute'>;
  clock: Clock;
}

/**
 * Goes over all running subscriptions of a client or of a service, a page at a time, and does one thing to each. It goes round
 * again, once the view shows what was done, until a round has nothing left to do: one that the view did not show yet is not missed.
 */
export class SubscriptionWalk {
  /** Subscriptions changed so far. */
  changed = 0;
  private after?: ListPlace;
  private changedInRound = 0;
  private position = '';

  constructor(
    readonly delisted: Delisted,
    readonly deed: Deed,
    private readonly parts: WalkParts,
  ) {}

  /** One page. @returns whether the walk is over @throws when an order fails: then the page is done again */
  async step(): Promise<boolean> {
    const { running, projection, clock } = this.parts;
    const page = await running.of(this.group(), dateOf(clock.now()), this.after, pageSize, this.status());
    const orders = page.map(({ subscription_id }) => this.carryOut(subscription_id));
    const failed = (await Promise.allSettled(orders)).find((outcome) => outcome.status === 'rejected');
    if (failed) throw new Error('A subscription could not be changed.', { cause: failed.reason });
    this.after = page.at(-1)?.place;
    if (page.length === pageSize) return false;
    if (this.changedInRound === 0) return true;
    await projection.until(this.position);
    this.changedInRound = 0;
    this.after = undefined;
    return false;
  }

  private async carryOut(subscriptionId: string): Promise<void> {
    const { commandBus, clock } = this.parts;
    const id = randomUUID();
    const trace = { correlation_id: id, causation_id: id };
    try {
      const { recorded, standing } = await commandBus.execute(this.order(subscriptionId, trace, clock.now()));
      if (standing.position > this.position) this.position = standing.position;
      if (!recorded) return;
      this.changedInRound += 1;
      this.changed += 1;
    } catch (error) {
      // Ended meanwhile, and the view does not show it yet.
      if (!(error instanceof Refused && error.code === 'not_subscribed')) throw error;
    }
  }

  private order(id: string, trace: { correlation_id: string; causation_id: string }, now: Date) {
    switch (this.deed) {
      case 'suspending':
        return new SuspendOrder(id, 'service_withdrawn', trace, now);
      case 'resuming':
        return new ResumeOrder(id, 'service_offered', trace, now);
      case 'ending': {
        const reason = this.delisted.kind === 'client' ? 'client_delisted' : 'service_withdrawn';
        return new TerminateOrder(id, reason, trace, now);
      }
    }
  }

  private group() {
    const { kind, name, service_id } = this.delisted;
    return kind === 'client' ? { client_id: name } : { provider: name, service_id };
  }

  /** Which ones there can be something to do about. */
  private status(): 'active' | 'suspended' | undefined {
    if (this.deed === 'ending') return undefined;
    return this.deed === 'suspending' ? 'active' : 'suspended';
  }
}
