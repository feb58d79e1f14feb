import type { Client, ClientList, NotificationEndpoints } from './client-list.parser';
import type { Offering, Provider, ProviderList } from './provider-list.parser';
import type { ServiceNamesList } from './service-names-list.parser';
import type { Whitelist } from './whitelist.parser';

/** The four lists by their name on `/ops/api/lists` (contract.md 4). */
export interface ParsedLists {
  providers: ProviderList;
  clients: ClientList;
  service_names: ServiceNamesList;
  whitelist: Whitelist;
}

/**
 * The four lists at one moment, with the questions that other rooms have. Never changes: whoever holds one keeps
 * getting the same answers, so that one request is judged by one set of lists.
 */
export class Lists {
  /** Made when first asked for: most processes never do. */
  private byService?: ReadonlyMap<string, readonly string[]>;
  private notificationHosts?: ReadonlySet<string>;

  constructor(private readonly lists: Readonly<ParsedLists>) {}

  /** The client with this host name, spelled as a client id is: in lower case. */
  client(clientId: string): Client | undefined {
    return this.lists.clients.entries.get(clientId);
  }

  /** Every client of the list. */
  clients(): Iterable<Client> {
    return this.lists.clients.entries.values();
  }

  /** Ids of the clients whose entry names this service, under whichever interface version. */
  clientsOf(serviceId: string): readonly string[] {
    this.byService ??= clientsByService(this.clients());
    return this.byService.get(serviceId) ?? [];
  }

  /** The display name of a service; undefined when the service names list does not have it. */
  serviceName(serviceId: string): string | undefined {
    return this.lists.service_names.entries.get(serviceId);
  }

  /** The provider of this name, without `@medmij`. */
  provider(name: string): Provider | undefined {
    return this.lists.providers.entries.get(name);
  }

  /** Base URIs for notifications; undefined when the service is not listed for this client and interface version. */
  notificationEndpoints(
    clientId: string,
    interfaceVersion: string,
    serviceId: string,
  ): NotificationEndpoints | undefined {
    return this.client(clientId)?.endpoints.get(interfaceVersion)?.get(serviceId);
  }

  /** Whether any client takes notifications at this host. */
  isNotificationHost(host: string): boolean {
    this.notificationHosts ??= new Set(this.everyNotificationHost());
    return this.notificationHosts.has(host);
  }

  /** What the provider (name without `@medmij`) offers; undefined when it does not open up the service. */
  offering(provider: string, interfaceVersion: string, serviceId: string): Offering | undefined {
    return this.provider(provider)?.offerings.get(interfaceVersion)?.get(serviceId);
  }

  /** The same for every interface version under which it opens the service up. */
  offeringsOf(provider: string, serviceId: string): Offering[] {
    const versions = [...(this.provider(provider)?.offerings.values() ?? [])];
    return versions.flatMap((services) => services.get(serviceId) ?? []);
  }

  /** Whether traffic with this host is allowed (domain.md 12). */
  isWhitelisted(host: string): boolean {
    return this.lists.whitelist.entries.has(host.toLowerCase());
  }

  private *everyNotificationHost(): Iterable<string> {
    for (const { endpoints } of this.clients()) {
      for (const services of endpoints.values()) {
        for (const { subscription, resource } of services.values()) {
          if (subscription !== undefined) yield new URL(subscription).hostname;
          if (resource !== undefined) yield new URL(resource).hostname;
        }
      }
    }
  }
}

function clientsByService(clients: Iterable<Client>): ReadonlyMap<string, readonly string[]> {
  const byService = new Map<string, string[]>();
  for (const { clientId, endpoints } of clients) {
    const serviceIds = new Set([...endpoints.values()].flatMap((services) => [...services.keys()]));
    for (const serviceId of serviceIds) byService.set(serviceId, [...(byService.get(serviceId) ?? []), clientId]);
  }
  return byService;
}
