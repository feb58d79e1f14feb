import { z } from 'zod';
import { suspensionReasons } from '../clients';

const moment = z.iso.datetime();

/** One client (contract.md 4). */
export const clientItem = z.strictObject({
  client_id: z.string(),
  organisation_name: z.string().nullable().meta({ description: 'Null when the client has left the client list.' }),
  status: z
    .enum(['active', 'suspended', 'delisted'])
    .meta({ description: 'delisted: not on the client list (any more), and suspended for that or another reason.' }),
  suspended_at: moment.nullable(),
  suspended_reason: z.enum(suspensionReasons).nullable(),
  whitelisted: z.boolean().meta({ description: 'The client and all its notification endpoints are on the whitelist.' }),
  breaker: z.enum(['closed', 'open', 'half_open']),
  active_subscriptions: z
    .int()
    .min(0)
    .meta({ description: 'Those that have not ended, also while they are suspended.' }),
  oldest_undelivered_at: moment.nullable(),
  endpoints: z.array(
    z.strictObject({
      service_id: z.string(),
      interface_version: z.string(),
      subscription: z.string().nullable(),
      resource: z.string().nullable(),
    }),
  ),
});
export type ClientItem = z.output<typeof clientItem>;
