import { CommandHandler, type ICommandHandler, type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { EventStore } from '../event-store';
import { Refused } from '../refusals';
import { CommandBatcher } from './command-batcher';
import { activeSubscriptions, answerTo, subscriptionNow } from './order-book';
import type { OrderResult } from './order';
import {
  AdjustOrder,
  AuthorizedOrder,
  ConfirmedEndingOrder,
  ExpireOrder,
  ReapproveOrder,
  ResumeOrder,
  SuspendOrder,
  TakeUpOrder,
  TerminateOrder,
} from './subscription.orders';
import {
  type ActiveSubscription,
  ActiveSubscriptionsQuery,
  AnswerQuery,
  OwnSubscriptionQuery,
  type SubscriptionNow,
  SubscriptionQuery,
} from './subscription.queries';

/** One handler a kind of order. The rules are in `decide`, the walk in `carryOut`; nothing is left to say here. */
@CommandHandler(AuthorizedOrder)
export class AuthorizedHandler implements ICommandHandler<AuthorizedOrder> {
  constructor(private readonly batcher: CommandBatcher) {}
  execute(order: AuthorizedOrder): Promise<OrderResult> {
    return this.batcher.submit(order);
  }
}

@CommandHandler(ConfirmedEndingOrder)
export class ConfirmedEndingHandler implements ICommandHandler<ConfirmedEndingOrder> {
  constructor(private readonly batcher: CommandBatcher) {}
  execute(order: ConfirmedEndingOrder): Promise<OrderResult> {
    return this.batcher.submit(order);
  }
}

@CommandHandler(TakeUpOrder)
export class TakeUpHandler implements ICommandHandler<TakeUpOrder> {
  constructor(private readonly batcher: CommandBatcher) {}
  execute(order: TakeUpOrder): Promise<OrderResult> {
    return this.batcher.submit(order);
  }
}

@CommandHandler(ReapproveOrder)
export class ReapproveHandler implements ICommandHandler<ReapproveOrder> {
  constructor(private readonly batcher: CommandBatcher) {}
  async execute(order: ReapproveOrder): Promise<void> {
    try {
      await this.batcher.submit(order);
    } catch (error) {
      // Most people have nothing yet that could resume.
      if (!(error instanceof Refused && error.code === 'not_subscribed')) throw error;
    }
  }
}

@CommandHandler(AdjustOrder)
export class AdjustHandler implements ICommandHandler<AdjustOrder> {
  constructor(private readonly batcher: CommandBatcher) {}
  execute(order: AdjustOrder): Promise<OrderResult> {
    return this.batcher.submit(order);
  }
}

@CommandHandler(TerminateOrder)
export class TerminateHandler implements ICommandHandler<TerminateOrder> {
  constructor(private readonly batcher: CommandBatcher) {}
  execute(order: TerminateOrder): Promise<OrderResult> {
    return this.batcher.submit(order);
  }
}

@CommandHandler(SuspendOrder)
export class SuspendHandler implements ICommandHandler<SuspendOrder> {
  constructor(private readonly batcher: CommandBatcher) {}
  execute(order: SuspendOrder): Promise<OrderResult> {
    return this.batcher.submit(order);
  }
}

@CommandHandler(ResumeOrder)
export class ResumeHandler implements ICommandHandler<ResumeOrder> {
  constructor(private readonly batcher: CommandBatcher) {}
  execute(order: ResumeOrder): Promise<OrderResult> {
    return this.batcher.submit(order);
  }
}

@CommandHandler(ExpireOrder)
export class ExpireHandler implements ICommandHandler<ExpireOrder> {
  constructor(private readonly batcher: CommandBatcher) {}
  execute(order: ExpireOrder): Promise<OrderResult> {
    return this.batcher.submit(order);
  }
}

@QueryHandler(AnswerQuery)
export class AnswerHandler implements IQueryHandler<AnswerQuery> {
  constructor(private readonly eventStore: EventStore) {}
  execute({ once }: AnswerQuery): Promise<OrderResult | undefined> {
    return answerTo(once, this.eventStore);
  }
}

@QueryHandler(SubscriptionQuery)
export class SubscriptionHandler implements IQueryHandler<SubscriptionQuery> {
  constructor(private readonly eventStore: EventStore) {}
  execute(query: SubscriptionQuery): Promise<SubscriptionNow | undefined> {
    return subscriptionNow(query, this.eventStore);
  }
}

@QueryHandler(OwnSubscriptionQuery)
export class OwnSubscriptionHandler implements IQueryHandler<OwnSubscriptionQuery> {
  constructor(private readonly eventStore: EventStore) {}
  execute(query: OwnSubscriptionQuery): Promise<SubscriptionNow | undefined> {
    return subscriptionNow(query, this.eventStore);
  }
}

@QueryHandler(ActiveSubscriptionsQuery)
export class ActiveSubscriptionsHandler implements IQueryHandler<ActiveSubscriptionsQuery> {
  constructor(private readonly eventStore: EventStore) {}
  execute(query: ActiveSubscriptionsQuery): Promise<ActiveSubscription[]> {
    return activeSubscriptions(query, this.eventStore);
  }
}
