import { Module, type OnApplicationBootstrap, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Clock, Database, LOGGER, type Logger, Readiness } from '../platform';
import { AuditKeeper } from './audit.keeper';
import { AuditLineStore } from './audit-line.store';
import { AuditTrail } from './audit-trail';
import { DestructionRecords } from './destruction-records.store';

/** The audit trail, for every room. */
@Module({
  providers: [
    {
      provide: DestructionRecords,
      inject: [Database],
      useFactory: (database: Database) => new DestructionRecords(database),
    },
    {
      provide: AuditTrail,
      inject: [Database, Clock, LOGGER, Registry],
      useFactory: (database: Database, clock: Clock, log: Logger, registry: Registry) =>
        new AuditTrail(new AuditLineStore(database), clock, log, registry),
    },
    {
      provide: AuditKeeper,
      inject: [Database, DestructionRecords, Clock, LOGGER],
      useFactory: (database: Database, destructions: DestructionRecords, clock: Clock, log: Logger) =>
        new AuditKeeper(database, destructions, clock, log),
    },
  ],
  exports: [AuditTrail, DestructionRecords],
})
export class AuditModule implements OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  constructor(
    private readonly trail: AuditTrail,
    private readonly keeper: AuditKeeper,
    readiness: Readiness,
  ) {
    readiness.add('audit', () => trail.check());
    readiness.add('audit_months', () => keeper.check());
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.keeper.start();
    this.trail.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.keeper.stop();
  }

  /** When the last answer has left, and with it the last line. */
  async onApplicationShutdown(): Promise<void> {
    await this.trail.stop();
  }
}
