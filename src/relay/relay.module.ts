import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Fact, LogAccess, type LogFollower } from '../event-store';
import { loopCheck, Readiness, type Tracing, TRACING } from '../platform';
import { type EventTransport, TRANSPORT } from '../transport';
import { createRelay } from './relay';
import { RelayCheck } from './relay-check';

const RELAY = Symbol('RELAY');

/** Looks whether what was published is there; in any process. */
@Module({
  providers: [
    {
      provide: RelayCheck,
      inject: [LogAccess, TRANSPORT],
      useFactory: (access: LogAccess, transport: EventTransport) => new RelayCheck(access, transport),
    },
  ],
  exports: [RelayCheck],
})
export class RelayCheckModule {}

/** Runs the relay from start to shutdown. */
@Module({})
export class RelayModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(RELAY) private readonly relay: LogFollower<Fact>,
    readiness: Readiness,
    access: LogAccess,
  ) {
    readiness.add('relay', () => loopCheck(relay.state()));
    access.watch.showLag(
      { events: 'medmij_relay_lag_events', seconds: 'medmij_relay_lag_seconds' },
      'not on Kafka yet',
      { ask: async () => [{ lag: await relay.lag() }] },
    );
  }

  static with(publicUrl: string): DynamicModule {
    return {
      module: RelayModule,
      providers: [
        {
          provide: RELAY,
          inject: [LogAccess, TRANSPORT, TRACING],
          useFactory: (access: LogAccess, transport: EventTransport, tracing: Tracing) =>
            createRelay(access, transport, publicUrl, tracing),
        },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.relay.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.relay.stop();
  }
}
