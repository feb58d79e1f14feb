import { type DynamicModule, Module, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Gauge, Registry } from 'prom-client';
import { Clock, Database, LOGGER, type Logger, Readiness } from '../platform';
import { ListCopyStore } from './list-copy.store';
import type { ListTlsFiles } from './list.client';
import { ListRefresher, type ListUrls } from './list.refresher';
import { ListStore } from './list.store';

/** The lists, loaded before the first request and kept up to date; every process has its own copy. */
@Module({})
export class MedmijListsModule implements OnModuleInit, OnModuleDestroy {
  constructor(
    private readonly refresher: ListRefresher,
    store: ListStore,
    readiness: Readiness,
    registry: Registry,
  ) {
    readiness.add('lists', () => {
      if (!store.everLoaded()) return { status: 'unavailable', reason: 'a list was never loaded' };
      const stale = store.status().filter((list) => list.stale);
      return stale.length === 0
        ? { status: 'ok' }
        : { status: 'degraded', reason: `stale: ${stale.map(({ name }) => name).join(', ')}` };
    });
    new Gauge({
      name: 'medmij_list_age_seconds',
      help: 'Seconds since a MedMij list was last checked successfully',
      labelNames: ['list'],
      registers: [registry],
      collect() {
        for (const { name, age_s: age } of store.status()) if (age !== null) this.set({ list: name }, age);
      },
    });
  }

  static with(urls: ListUrls, tlsFiles: ListTlsFiles, localhostAllowed: boolean): DynamicModule {
    return {
      module: MedmijListsModule,
      global: true,
      providers: [
        {
          provide: ListStore,
          inject: [Clock],
          useFactory: (clock: Clock) => new ListStore(clock, { localhostAllowed }),
        },
        {
          provide: ListRefresher,
          inject: [ListStore, Database, LOGGER],
          useFactory: (store: ListStore, database: Database, log: Logger) =>
            new ListRefresher(store, new ListCopyStore(database), urls, tlsFiles, log),
        },
      ],
      exports: [ListStore],
    };
  }

  async onModuleInit(): Promise<void> {
    await this.refresher.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.refresher.stop();
  }
}
