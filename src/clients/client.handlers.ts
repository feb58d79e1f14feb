import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ClientOrderBook } from './client-order-book';
import { type ClientOrderResult, ResumeClientOrder, SuspendClientOrder } from './client.orders';

@CommandHandler(SuspendClientOrder)
export class SuspendClientHandler implements ICommandHandler<SuspendClientOrder> {
  constructor(private readonly book: ClientOrderBook) {}
  execute(order: SuspendClientOrder): Promise<ClientOrderResult> {
    return this.book.carryOut(order);
  }
}

@CommandHandler(ResumeClientOrder)
export class ResumeClientHandler implements ICommandHandler<ResumeClientOrder> {
  constructor(private readonly book: ClientOrderBook) {}
  execute(order: ResumeClientOrder): Promise<ClientOrderResult> {
    return this.book.carryOut(order);
  }
}
