/** Lists as XML for tests: each builder fills everything in, a test names only what matters to it. */

const namespace = (list: string, release: number) => `xmlns://afsprakenstelsel.medmij.nl/${list}/release${release}/`;

/** Parts of a list document that a test can leave out, repeat or spoil. */
export interface Parts {
  sequence?: number;
  /** Instead of the whole `Tijdstempel` and `Volgnummer` elements. */
  timestamp?: string;
  number?: string;
  release?: number;
  namespace?: string;
  root?: string;
}

function list(root: string, list: string, release: number, parts: Parts, entries: string): Buffer {
  const name = parts.root ?? root;
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
<${name} xmlns="${parts.namespace ?? namespace(list, parts.release ?? release)}">
${parts.timestamp ?? '<Tijdstempel>2026-01-01T09:00:00+01:00</Tijdstempel>'}
${parts.number ?? `<Volgnummer>${parts.sequence ?? 1}</Volgnummer>`}
${entries}
</${name}>`);
}

/** Services below their interface version, 3.0.0 when they name none; nothing at all when there are none. */
function versions<T extends { version?: string }>(services: T[], service: (parts: T) => string): string {
  const ids = [...new Set(services.map(({ version = '3.0.0' }) => version))];
  const below = (id: string) => services.filter(({ version = '3.0.0' }) => version === id).map(service);
  const each = ids.map(
    (id) => `<Interfaceversie><InterfaceversieId>${id}</InterfaceversieId>
<Gegevensdiensten>${below(id).join('\n')}</Gegevensdiensten></Interfaceversie>`,
  );
  return ids.length === 0 ? '' : `<Interfaceversies>${each.join('')}</Interfaceversies>`;
}

export interface OfferingParts {
  id?: string;
  version?: string;
  authorization?: string;
  token?: string;
  /** `null`: no subscriptions. */
  maximum?: string | number | null;
  subscription?: string;
}

export const offering = ({ id = '42', authorization, token, maximum = 365, subscription }: OfferingParts = {}) =>
  `<Gegevensdienst><GegevensdienstId>${id}</GegevensdienstId>
<AuthorizationEndpoint><AuthorizationEndpointuri>${authorization ?? 'https://as.dva.example/authorize'}</AuthorizationEndpointuri></AuthorizationEndpoint>
<TokenEndpoint><TokenEndpointuri>${token ?? 'https://token.dva.example/token'}</TokenEndpointuri></TokenEndpoint>
${
  maximum === null
    ? ''
    : `<Abonneren><MaximaleDuur>${maximum}</MaximaleDuur><SubscriptionEndpointuri>${subscription ?? 'https://abo.dva.example/base'}</SubscriptionEndpointuri></Abonneren>`
}
<Systeemrollen><Systeemrol><Systeemrolcode>X</Systeemrolcode></Systeemrol></Systeemrollen></Gegevensdienst>`;

export const provider = (name: string, ...offerings: OfferingParts[]) =>
  `<Zorgaanbieder><Zorgaanbiedernaam>${name}@medmij</Zorgaanbiedernaam><Aanbiedertype>Zorgaanbieder</Aanbiedertype>
${versions(offerings, offering)}</Zorgaanbieder>`;

export const providerList = (providers: string, parts: Parts = {}) =>
  list('Zorgaanbiederslijst', 'zorgaanbiederslijst', 3, parts, `<Zorgaanbieders>${providers}</Zorgaanbieders>`);

export interface ClientServiceParts {
  id?: string;
  version?: string;
  subscription?: string | null;
  resource?: string | null;
}

const clientService = ({ id = '42', subscription, resource }: ClientServiceParts) =>
  `<Gegevensdienst><GegevensdienstId>${id}</GegevensdienstId>
${subscription === null ? '' : `<SubscriptionNotificationEndpoint><SubscriptionNotificationEndpointuri>${subscription ?? 'https://pgo.example/subscriptions'}</SubscriptionNotificationEndpointuri></SubscriptionNotificationEndpoint>`}
${resource === null ? '' : `<ResourceNotificationEndpoint><ResourceNotificationEndpointuri>${resource ?? 'https://pgo.example/resources'}</ResourceNotificationEndpointuri></ResourceNotificationEndpoint>`}
</Gegevensdienst>`;

export const client = (host: string, ...services: ClientServiceParts[]) =>
  `<OAuthclient><Hostname>${host}</Hostname><OAuthclientOrganisatienaam>De PGO</OAuthclientOrganisatienaam>
${versions(services, clientService)}</OAuthclient>`;

export const clientList = (clients: string, parts: Parts = {}) =>
  list('OAuthclientlist', 'oauthclientlist', 3, parts, `<OAuthclients>${clients}</OAuthclients>`);

export const serviceName = (id: string, name = 'Verzamelen Huisartsgegevens') =>
  `<Gegevensdienst><GegevensdienstId>${id}</GegevensdienstId><Weergavenaam>${name}</Weergavenaam></Gegevensdienst>`;

export const serviceNamesList = (services: string, parts: Parts = {}) =>
  list(
    'Gegevensdienstnamenlijst',
    'gegevensdienstnamenlijst',
    1,
    parts,
    `<Gegevensdiensten>${services}</Gegevensdiensten>`,
  );

export const node = (host: string) => `<MedMijNode><Hostname>${host}</Hostname></MedMijNode>`;

export const whitelist = (nodes: string, parts: Parts = {}) =>
  list('Whitelist', 'whitelist', 2, parts, `<MedMijNodes>${nodes}</MedMijNodes>`);
