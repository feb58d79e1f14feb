import { CommandHandler, type ICommandHandler, type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { EventStore } from '../event-store';
import { CommandBatcher } from './command-batcher';
import { answerTo } from './order-book';
import { AnswerQuery, AuthorizedOrder, ExpireOrder, type OrderResult, TerminateOrder } from './subscription.orders';

/** One handler a kind of order. The rules are in `decide`, the walk in `carryOut`; nothing is left to say here. */
@CommandHandler(AuthorizedOrder)
export class AuthorizedHandler implements ICommandHandler<AuthorizedOrder> {
  constructor(private readonly batcher: CommandBatcher) {}
  execute(order: AuthorizedOrder): Promise<OrderResult> {
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
