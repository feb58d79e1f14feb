import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseList } from '../../src/medmij-lists/list-parsing';
import { projectRoot } from '../project';

/** What can be asked for on the page. */
export interface Offer {
  readonly provider: string;
  readonly service_id: string;
  readonly service_name: string;
  /** Most days the provider grants; null where it grants none. */
  readonly maximum_days: number | null;
  /** Whether this client can have it; the others are there so that a refusal can be seen. */
  readonly is_good: boolean;
}

const interfaceVersion = '3.0.0';

/** What the sample lists offer to the sample client (dev/sample-lists): first what works, then what is refused. */
export async function readOffers(): Promise<Offer[]> {
  const file = (name: string) => readFileSync(join(projectRoot, 'dev/sample-lists', name));
  const reading = { localhostAllowed: true };
  const [providers, clients, names] = await Promise.all([
    parseList('providers', file('zorgaanbiederslijst.xml'), reading),
    parseList('clients', file('oauthclientlist.xml'), reading),
    parseList('service_names', file('gegevensdienstnamenlijst.xml'), reading),
  ]);
  const own = clients.entries.get('localhost')?.endpoints.get(interfaceVersion);
  const offers: Offer[] = [];
  for (const { name: provider, offerings } of providers.entries.values()) {
    for (const [version, services] of offerings) {
      for (const [serviceId, { subscriptions }] of services) {
        const name = names.entries.get(serviceId);
        offers.push({
          provider,
          service_id: serviceId,
          service_name: name ?? `Service ${serviceId}`,
          maximum_days: subscriptions?.maximumDays ?? null,
          is_good:
            version === interfaceVersion &&
            subscriptions !== undefined &&
            name !== undefined &&
            own?.has(serviceId) === true,
        });
      }
    }
  }
  return offers.sort((one, other) => Number(other.is_good) - Number(one.is_good));
}
