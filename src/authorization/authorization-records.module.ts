import { Module } from '@nestjs/common';
import { Registry } from 'prom-client';
import { AuditModule, AuditTrail } from '../audit';
import { Clock, Database, LOGGER, type Logger } from '../platform';
import { AuthorizationAudit } from './authorization.audit';
import { InteractionStore } from './interaction.store';

/** What is kept of authorization requests: the table, the lines, the count. One for all roles of a process. */
@Module({
  imports: [AuditModule],
  providers: [
    {
      provide: InteractionStore,
      inject: [Database],
      useFactory: (database: Database) => new InteractionStore(database),
    },
    {
      provide: AuthorizationAudit,
      inject: [LOGGER, AuditTrail, Clock, Registry],
      useFactory: (log: Logger, trail: AuditTrail, clock: Clock, registry: Registry) =>
        new AuthorizationAudit(log, trail, clock, registry),
    },
  ],
  exports: [InteractionStore, AuthorizationAudit],
})
export class AuthorizationRecordsModule {}
