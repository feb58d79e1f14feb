import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ListStore } from '../medmij-lists';
import { Clock } from '../platform';
import { type IdentityFiles, IdentityStore } from './client-identity';
import type { HostAddress } from './host-address';
import { NotificationClient } from './notification.client';

export interface ClientConnectionsOptions {
  identityFiles: IdentityFiles;
  hostAddresses: Readonly<Record<string, HostAddress>>;
}

/** One set of connections to clients for the whole process. */
@Module({})
export class ClientConnectionsModule implements OnApplicationShutdown {
  constructor(@Inject(NotificationClient) private readonly client: NotificationClient) {}

  static with({ identityFiles, hostAddresses }: ClientConnectionsOptions): DynamicModule {
    return {
      module: ClientConnectionsModule,
      global: true,
      providers: [
        {
          provide: NotificationClient,
          inject: [ListStore, Clock],
          useFactory: (lists: ListStore, clock: Clock) =>
            new NotificationClient({ identities: new IdentityStore(identityFiles), lists, clock, hostAddresses }),
        },
      ],
      exports: [NotificationClient],
    };
  }

  /** After the loops have been stopped: a call under way is waited for by whoever made it. */
  async onApplicationShutdown(): Promise<void> {
    await this.client.close();
  }
}
