import { z } from 'zod';
import { moment, personFields, printable } from '../http';

/** An authorized request as both doors take it (contract.md 4). What the fields mean together is for the checks to say. */
export const authorizedRequest = z.strictObject({
  authorization_id: printable(128).meta({
    description: 'Chosen by the sender; the same id again means the same request again.',
  }),
  client_id: z.string().min(1).max(255).meta({ description: 'Host name on the OAuth Client List.' }),
  scope: z.string().min(1).max(255).meta({ description: 'subscribe~<days>/<provider>~<service id>; 0 days ends.' }),
  ...personFields,
  interface_version: z
    .string()
    .regex(/^[0-9A-Za-z._-]{1,30}$/, 'must be 1 to 30 letters, digits, dots, dashes')
    .optional(),
  granted_days: z.int().min(0).max(99_999).optional(),
  authorized_at: moment.meta({ description: 'When the person agreed.' }),
});

export type AuthorizedRequest = z.output<typeof authorizedRequest>;
