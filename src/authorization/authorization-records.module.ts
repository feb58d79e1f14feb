import { Module } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Database, LOGGER, type Logger } from '../platform';
import { AuthorizationAudit } from './authorization.audit';
import { InteractionStore } from './interaction.store';

/** What is kept of authorization requests: the table, the lines, the count. One for all roles of a process. */
@Module({
  providers: [
    {
      provide: InteractionStore,
      inject: [Database],
      useFactory: (database: Database) => new InteractionStore(database),
    },
    {
      provide: AuthorizationAudit,
      inject: [LOGGER, Registry],
      useFactory: (log: Logger, registry: Registry) => new AuthorizationAudit(log, registry),
    },
  ],
  exports: [InteractionStore, AuthorizationAudit],
})
export class AuthorizationRecordsModule {}
