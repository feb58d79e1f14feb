import type { Registry } from 'prom-client';
import type { ListStore } from '../medmij-lists';
import { askedGauge, type Clock, type Logger } from '../platform';
import { type IdentityFiles, IdentityStore } from './client-identity';
import { ConnectionPools } from './connection-pools';
import { ConnectionUse } from './connection-use';
import { ConnectionMetrics } from './connection.metrics';
import { EndpointProbe } from './endpoint-probe';
import type { HostAddress } from './host-address';
import { NotificationClient } from './notification.client';
import { SendingConditions } from './sending-conditions';

export interface ClientConnectionsOptions {
  identityFiles: IdentityFiles;
  /** Development only: calls to these names go to these addresses. */
  hostAddresses: Readonly<Record<string, HostAddress>>;
}

/** Everything between us and the clients, put together. */
export class ClientConnections {
  readonly client: NotificationClient;
  readonly probe: EndpointProbe;
  private readonly pools: ConnectionPools;
  private readonly use: ConnectionUse;

  constructor(
    { identityFiles, hostAddresses }: ClientConnectionsOptions,
    { lists, clock, registry, log }: { lists: ListStore; clock: Clock; registry: Registry; log: Logger },
  ) {
    const identities = new IdentityStore(identityFiles);
    const conditions = new SendingConditions(identities, lists, clock);
    askedGauge({
      registry,
      name: 'medmij_client_certificate_expiry_timestamp_seconds',
      help: 'When our certificate towards clients ends, while it can be used',
      ask: async () => {
        const identity = await identities.current(clock.now());
        return 'missing' in identity ? [] : [{ value: identity.validTo.getTime() / 1_000 }];
      },
    });
    const metrics = new ConnectionMetrics(registry, () => this.pools.open());
    this.use = new ConnectionUse(metrics);
    this.pools = new ConnectionPools({ conditions, metrics, use: this.use, hostAddresses, clock }, log);
    this.client = new NotificationClient(conditions, this.pools);
    this.probe = new EndpointProbe(conditions, hostAddresses);
  }

  start(): void {
    this.use.start();
    this.pools.start();
  }

  /** Ends every connection. */
  async stop(): Promise<void> {
    await this.pools.stop();
    this.use.stop();
  }
}
