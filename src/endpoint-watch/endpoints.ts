import type { Client, Lists } from '../medmij-lists';
import type { Endpoint } from './endpoint-watch.store';

/** Where a client takes notifications, each server once, whichever services it is for. */
export function endpointsOf({ clientId, endpoints }: Client): Endpoint[] {
  const uris = [...endpoints.values()]
    .flatMap((services) => [...services.values()])
    .flatMap(({ subscription, resource }) => [subscription, resource])
    .filter((uri) => uri !== undefined);
  return [...new Set(uris.map((uri) => new URL(uri).origin))].map((origin) => ({ clientId, origin }));
}

export function allEndpoints(lists: Lists): Endpoint[] {
  return [...lists.clients()].flatMap(endpointsOf);
}
