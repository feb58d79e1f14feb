import { type ByVersionAndService, readByVersionAndService } from './interface-versions.parser';
import { type ListElement, listNamespace, readListDocument } from './list-document';
import {
  addOnce,
  baseEndpoint,
  displayText,
  hostName,
  type ListHeader,
  listHeader,
  type ListReading,
} from './list-values';

/** Where a client takes notifications about one service; base URIs, either may be absent. */
export interface NotificationEndpoints {
  subscription?: string;
  resource?: string;
}

/** A client; its id is its host name, in lower case. */
export interface Client {
  clientId: string;
  organisationName: string;
  endpoints: ByVersionAndService<NotificationEndpoints>;
}

/** The client list, by client id. */
export interface ClientList extends ListHeader {
  entries: ReadonlyMap<string, Client>;
}

/** Release 2 is the public one; with interface versions and endpoints the shape is decided (domain.md 9), as release 3. */
const shape = {
  root: 'OAuthclientlist',
  namespaces: [listNamespace('oauthclientlist', 2), listNamespace('oauthclientlist', 3)],
};

/**
 * OAuth Client List, release 2 or 3; the extended elements are read under either (domain.md 9).
 * @throws ListRefused
 */
export function parseClientList(bytes: Uint8Array, reading: ListReading): Promise<ClientList> {
  return readListDocument(bytes, shape, async (root) => {
    const header = listHeader(root);
    const entries = new Map<string, Client>();
    const clients = root.one('OAuthclients');
    const count = await clients.eachEntry('OAuthclient', (element) => {
      const host = element.one('Hostname');
      const clientId = hostName(host, reading);
      const organisationName = displayText(element.one('OAuthclientOrganisatienaam'));
      const endpoints = readByVersionAndService(element, readEndpoints);
      addOnce(entries, clientId, { clientId, organisationName, endpoints }, host);
    });
    if (count === 0) clients.refuse('the list is empty');
    return { ...header, entries };
  });
}

function readEndpoints(service: ListElement): NotificationEndpoints {
  const subscription = service.optional('SubscriptionNotificationEndpoint')?.one('SubscriptionNotificationEndpointuri');
  const resource = service.optional('ResourceNotificationEndpoint')?.one('ResourceNotificationEndpointuri');
  return {
    ...(subscription && { subscription: baseEndpoint(subscription).uri }),
    ...(resource && { resource: baseEndpoint(resource).uri }),
  };
}
