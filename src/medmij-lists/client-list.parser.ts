import { type ByVersionAndService, readByVersionAndService } from './interface-versions.parser';
import { type ListElement, listNamespace } from './list-document';
import type { ListParser, WholeList } from './list-parser';
import { baseEndpoint, displayText, hostName } from './list-values';

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
export type ClientList = WholeList<Client>;

/**
 * OAuth Client List. Release 2 is the public one; with interface versions and endpoints the shape is decided
 * (domain.md 9), as release 3. The extended elements are read under either.
 */
export const clientListParser: ListParser<Client> = {
  root: 'OAuthclientlist',
  namespaces: [listNamespace('oauthclientlist', 2), listNamespace('oauthclientlist', 3)],
  container: 'OAuthclients',
  entry: 'OAuthclient',
  read(element, reading) {
    const keyElement = element.one('Hostname');
    const clientId = hostName(keyElement, reading);
    const organisationName = displayText(element.one('OAuthclientOrganisatienaam'));
    const endpoints = readByVersionAndService(element, readEndpoints);
    return { key: clientId, value: { clientId, organisationName, endpoints }, keyElement };
  },
};

function readEndpoints(service: ListElement): NotificationEndpoints {
  const subscription = service.optional('SubscriptionNotificationEndpoint')?.one('SubscriptionNotificationEndpointuri');
  const resource = service.optional('ResourceNotificationEndpoint')?.one('ResourceNotificationEndpointuri');
  return {
    ...(subscription && { subscription: baseEndpoint(subscription).uri }),
    ...(resource && { resource: baseEndpoint(resource).uri }),
  };
}
