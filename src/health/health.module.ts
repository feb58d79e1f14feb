import { Inject, Module, type OnModuleDestroy } from '@nestjs/common';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { askedGauge, type CheckStatus, Database, Readiness } from '../platform';
import { type EventTransport, TRANSPORT } from '../transport';
import { HealthController } from './health.controller';
import { MetricsController } from './metrics.controller';

/** How the process is doing, and what it needs from outside. */
@Module({ controllers: [HealthController, MetricsController] })
export class HealthModule implements OnModuleDestroy {
  private isShuttingDown = false;

  constructor(
    readiness: Readiness,
    registry: Registry,
    database: Database,
    @Inject(TRANSPORT) transport: EventTransport,
  ) {
    readiness.add(
      'shutdown',
      () =>
        this.isShuttingDown ? { status: 'unavailable', reason: 'the process is shutting down' } : { status: 'ok' },
      'unavailable',
    );
    readiness.add(
      'database',
      async () => {
        await database.query('health.ping', 'select 1');
        return { status: 'ok' };
      },
      'unavailable',
    );
    readiness.add(
      'migrations',
      async () =>
        (await database.pendingMigrations())
          ? { status: 'unavailable', reason: 'migrations are pending' }
          : { status: 'ok' },
      'unavailable',
    );
    readiness.add('kafka', async () => {
      await transport.ping();
      return { status: 'ok' };
    });
    collectDefaultMetrics({ register: registry, prefix: 'medmij_' });
    measureConnections(registry, database);
    showChecks(registry, readiness);
  }

  onModuleDestroy(): void {
    this.isShuttingDown = true;
  }
}

function measureConnections(registry: Registry, database: Database): void {
  new Gauge({
    name: 'medmij_database_connections',
    help: 'Connections of this process to the database, and callers waiting for one',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      for (const [state, count] of Object.entries(database.poolState())) this.set({ state }, count);
    },
  });
}

const checkValues: Record<CheckStatus, number> = { ok: 0, degraded: 1, unavailable: 2 };
/** A scrape does not wait longer for checks that say nothing; each of them reads as what it means that it does not answer. */
const checksTimeoutMs = 2_000;

/** What `/health/ready` says, so that an alert can be raised on it: the reason stands there. */
function showChecks(registry: Registry, readiness: Readiness): void {
  askedGauge({
    registry,
    name: 'medmij_check_status',
    help: 'The checks of /health/ready: 0 ok, 1 degraded, 2 unavailable',
    labelNames: ['check'],
    ask: async () => {
      const { checks } = await readiness.ask(checksTimeoutMs);
      return Object.entries(checks).map(([check, { status }]) => ({ labels: { check }, value: checkValues[status] }));
    },
  });
}
