import type { SuspendedClient, SuspendedClients } from '../clients';
import type { Client, Lists, ListStore } from '../medmij-lists';
import type { DeliveryRecords } from '../notifications';
import type { Clock } from '../platform';
import type { SubscriptionCounts } from '../projections';
import { Refused } from '../refusals';
import { dateOf } from '../subscriptions';
import type { ClientItem } from './client-item';

/** A client as the lists and the log know it, before anything is counted. */
interface KnownClient {
  clientId: string;
  listed?: Client;
  suspension?: SuspendedClient;
}

/** Clients as operators see them: those on the client list, and those that were suspended and have left it. */
export class ClientRecords {
  constructor(
    private readonly lists: ListStore,
    private readonly suspended: SuspendedClients,
    private readonly subscriptions: SubscriptionCounts,
    private readonly deliveries: DeliveryRecords,
    private readonly clock: Clock,
  ) {}

  /** @throws Refused `not_found`; `unavailable` before the lists are loaded */
  expectKnown(clientId: string): void {
    const { listed, suspension } = this.known(clientId);
    if (!listed && !suspension) throw new Refused('not_found', 'There is no such client.');
  }

  /** Also one that nobody would know any more, for it was resumed and is not listed. @throws Refused `unavailable` */
  async show(clientId: string): Promise<ClientItem> {
    return (await this.items([this.known(clientId)]))[0]!;
  }

  /** By their ids, `limit` clients after `after`. @throws Refused `unavailable` before the lists are loaded */
  async list(after: string | undefined, limit: number): Promise<ClientItem[]> {
    const ids = new Set([...this.lists.current().clients()].map(({ clientId }) => clientId));
    for (const { client_id } of this.suspended.all()) ids.add(client_id);
    const page = [...ids]
      .filter((id) => after === undefined || id > after)
      .sort()
      .slice(0, limit);
    return this.items(page.map((id) => this.known(id)));
  }

  private known(clientId: string): KnownClient {
    const listed = this.lists.current().client(clientId);
    return { clientId, listed, suspension: this.suspended.find(clientId) };
  }

  private async items(clients: readonly KnownClient[]): Promise<ClientItem[]> {
    const lists = this.lists.current();
    const ids = clients.map(({ clientId }) => clientId);
    const now = this.clock.now();
    const [running, oldest, breakers] = await Promise.all([
      this.subscriptions.running(ids, dateOf(now)),
      this.deliveries.oldestUndelivered(now),
      this.deliveries.breakers(now),
    ]);
    const waitingS = new Map(oldest.map(({ client_id, seconds }) => [client_id, seconds]));
    return clients.map(({ clientId, listed, suspension }) => {
      const ageS = waitingS.get(clientId);
      const endpoints = endpointsOf(listed);
      return {
        client_id: clientId,
        organisation_name: listed?.organisationName ?? null,
        status: listed ? (suspension ? 'suspended' : 'active') : 'delisted',
        suspended_at: suspension?.suspended_at.toISOString() ?? null,
        suspended_reason: suspension?.reason ?? null,
        whitelisted: isWhitelisted(lists, clientId, endpoints),
        breaker: breakers.get(clientId) ?? 'closed',
        active_subscriptions: running.get(clientId) ?? 0,
        oldest_undelivered_at: ageS === undefined ? null : new Date(now.getTime() - ageS * 1_000).toISOString(),
        endpoints,
      };
    });
  }
}

function endpointsOf(listed: Client | undefined): ClientItem['endpoints'] {
  return [...(listed?.endpoints ?? [])].flatMap(([interface_version, services]) =>
    [...services].map(([service_id, { subscription, resource }]) => ({
      service_id,
      interface_version,
      subscription: subscription ?? null,
      resource: resource ?? null,
    })),
  );
}

/** Asked as the doors ask it: of the client's own name at the token endpoint, of its endpoints' names before anything is sent. */
function isWhitelisted(lists: Lists, clientId: string, endpoints: ClientItem['endpoints']): boolean {
  const uris = endpoints
    .flatMap(({ subscription, resource }) => [subscription, resource])
    .filter((uri) => uri !== null);
  return [clientId, ...uris.map((uri) => new URL(uri).hostname)].every((host) => lists.isWhitelisted(host));
}
