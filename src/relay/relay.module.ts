import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Registry } from 'prom-client';
import { type Fact, LogAccess, type LogFollower } from '../event-store';
import { askedGauge, loopCheck, Readiness } from '../platform';
import { type EventTransport, TRANSPORT } from '../transport';
import { createRelay } from './relay';

const RELAY = Symbol('RELAY');

/** Runs the relay from start to shutdown. */
@Module({})
export class RelayModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(RELAY) private readonly relay: LogFollower<Fact>,
    readiness: Readiness,
    registry: Registry,
  ) {
    readiness.add('relay', () => loopCheck(relay.state()));
    askedGauge({
      registry,
      name: 'medmij_relay_lag_events',
      help: 'Events of the log that are not on Kafka yet',
      ask: async () => [{ value: (await relay.lag()).events }],
    });
  }

  static with(publicUrl: string): DynamicModule {
    return {
      module: RelayModule,
      providers: [
        {
          provide: RELAY,
          inject: [LogAccess, TRANSPORT],
          useFactory: (access: LogAccess, transport: EventTransport) => createRelay(access, transport, publicUrl),
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
