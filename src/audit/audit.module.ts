import { Module, type OnApplicationBootstrap, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { Clock, Database, LOGGER, type Logger, Readiness } from '../platform';
import { AuditKeeper } from './audit.keeper';
import { AuditLineStore } from './audit-line.store';
import { AuditTrail } from './audit-trail';
import { DestructionRecords } from './destruction-records.store';
import { RequestSteps } from './request-steps';

/** The audit trail, for every room. */
@Module({
  providers: [
    {
      provide: DestructionRecords,
      inject: [Database],
      useFactory: (database: Database) => new DestructionRecords(database),
    },
    { provide: AuditLineStore, inject: [Database], useFactory: (database: Database) => new AuditLineStore(database) },
    {
      provide: AuditTrail,
      inject: [AuditLineStore, Clock, LOGGER, Registry],
      useFactory: (store: AuditLineStore, clock: Clock, log: Logger, registry: Registry) =>
        new AuditTrail(store, clock, log, registry),
    },
    {
      provide: RequestSteps,
      inject: [AuditTrail, Clock, HttpAdapterHost],
      useFactory: (trail: AuditTrail, clock: Clock, { httpAdapter }: HttpAdapterHost) => {
        const steps = new RequestSteps(trail, clock);
        steps.register(httpAdapter.getInstance<FastifyInstance>());
        return steps;
      },
    },
    {
      provide: AuditKeeper,
      inject: [Database, DestructionRecords, Clock, LOGGER],
      useFactory: (database: Database, destructions: DestructionRecords, clock: Clock, log: Logger) =>
        new AuditKeeper(database, destructions, clock, log),
    },
  ],
  exports: [AuditTrail, AuditLineStore, DestructionRecords],
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
