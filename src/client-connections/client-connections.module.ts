import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Registry } from 'prom-client';
import { ListStore } from '../medmij-lists';
import { Clock, LOGGER, type Logger } from '../platform';
import { ClientConnections, type ClientConnectionsOptions } from './client-connections';
import { EndpointProbe } from './endpoint-probe';
import { NotificationClient } from './notification.client';

/** One set of connections to clients for the whole process. */
@Module({})
export class ClientConnectionsModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(@Inject(ClientConnections) private readonly connections: ClientConnections) {}

  static with(options: ClientConnectionsOptions): DynamicModule {
    return {
      module: ClientConnectionsModule,
      global: true,
      providers: [
        {
          provide: EndpointProbe,
          inject: [ClientConnections],
          useFactory: (connections: ClientConnections) => connections.probe,
        },
        {
          provide: ClientConnections,
          inject: [ListStore, Clock, Registry, LOGGER],
          useFactory: (lists: ListStore, clock: Clock, registry: Registry, log: Logger) =>
            new ClientConnections(options, { lists, clock, registry, log }),
        },
        {
          provide: NotificationClient,
          inject: [ClientConnections],
          useFactory: (connections: ClientConnections) => connections.client,
        },
      ],
      exports: [NotificationClient, EndpointProbe],
    };
  }

  onApplicationBootstrap(): void {
    this.connections.start();
  }

  /** After the loops have been stopped: a call under way is waited for by whoever made it. */
  async onApplicationShutdown(): Promise<void> {
    await this.connections.stop();
  }
}
