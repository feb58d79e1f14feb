import { z } from 'zod';
import type { Fact, FactForms, StoredEvent } from '../event-store';
import { type ClientEvent, suspensionReasons } from './client.events';

type DataSchemas = { [Event in ClientEvent as Event['type']]: z.ZodType<Event['data']> };

/** The data of each event type as consumers may rely on them, for the AsyncAPI document and the tests of what goes out. */
export const clientEventDataSchemas = {
  'nl.medmij.client.suspended.v1': z.strictObject({
    client_id: z.string(),
    reason: z.enum(suspensionReasons),
  }),
  'nl.medmij.client.resumed.v1': z.strictObject({
    client_id: z.string(),
    reason: z.enum(['operator', 'client_listed']),
  }),
} satisfies DataSchemas;

/** What the log may hold of clients. Every type there has been is still the present one. */
export const clientForms: FactForms = { types: Object.keys(clientEventDataSchemas), upcasters: {} };

/** The log holds the events of others too. By the name of the type, so that one in an older form is told apart as well. */
export function isClientEvent(event: StoredEvent<Fact>): event is StoredEvent<ClientEvent> {
  return event.type.startsWith('nl.medmij.client.');
}
