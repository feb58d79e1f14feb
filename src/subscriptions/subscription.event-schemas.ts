import { z } from 'zod';
import type { SubscriptionEvent } from './subscription.events';

const common = {
  subscription_id: z.string(),
  client_id: z.string(),
  provider: z.string(),
  service_id: z.string(),
  person_id: z.uuid(),
  end_date: z.iso.date(),
  interface_version: z.string(),
  authorization_id: z.string().optional(),
  authorized_at: z.iso.datetime().optional(),
};
const suspender = z.enum(['provider', 'operator']);
const endReason = z.enum([
  'person',
  'provider',
  'operator',
  'client_endpoint',
  'client_delisted',
  'service_withdrawn',
  'erased',
]);

type DataSchemas = { [Event in SubscriptionEvent as Event['type']]: z.ZodType<Event['data']> };

/** The data of each event type as consumers may rely on them, for the AsyncAPI document and the tests of what goes out. */
export const eventDataSchemas = {
  'nl.medmij.subscription.started.v1': z.strictObject(common),
  'nl.medmij.subscription.adjusted.v1': z.strictObject({ ...common, previous_end_date: z.iso.date() }),
  'nl.medmij.subscription.terminated.v1': z.strictObject({
    ...common,
    previous_end_date: z.iso.date(),
    reason: endReason,
  }),
  'nl.medmij.subscription.expired.v1': z.strictObject({ ...common, reason: z.literal('expired') }),
  'nl.medmij.subscription.suspended.v1': z.strictObject({
    ...common,
    reason: z.enum([...suspender.options, 'service_withdrawn']),
  }),
  'nl.medmij.subscription.resumed.v1': z.strictObject({
    ...common,
    reason: z.enum(['person', ...suspender.options, 'service_offered']),
  }),
} satisfies DataSchemas;
