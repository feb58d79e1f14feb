import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { EventStore } from '../event-store';
import { CommandBatcher } from './command-batcher';
import { AnswerHandler, AuthorizedHandler, ExpireHandler, TerminateHandler } from './subscription.handlers';

@Module({
  imports: [CqrsModule],
  providers: [
    {
      provide: CommandBatcher,
      inject: [EventStore],
      useFactory: (eventStore: EventStore) => new CommandBatcher(eventStore),
    },
    AuthorizedHandler,
    TerminateHandler,
    ExpireHandler,
    AnswerHandler,
  ],
  exports: [CqrsModule, CommandBatcher],
})
export class SubscriptionsModule {}
