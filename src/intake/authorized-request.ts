import { z } from 'zod';

/** Printable text: no control characters, no lone surrogates, nothing that PostgreSQL or a log line stumbles over. */
const printable = (max: number) =>
  z
    .string()
    .min(1)
    .max(4 * max)
    .regex(new RegExp(`^[^\\p{C}\\p{Zl}\\p{Zp}]{1,${max}}$`, 'u'), `must be 1 to ${max} printable characters`);

/** An authorized request as both doors take it (contract.md 4). What the fields mean together is for the checks to say. */
export const authorizedRequest = z.strictObject({
  authorization_id: printable(128).meta({
    description: 'Chosen by the sender; the same id again means the same request again.',
  }),
  client_id: z.string().min(1).max(255).meta({ description: 'Host name on the OAuth Client List.' }),
  scope: z.string().min(1).max(255).meta({ description: 'subscribe~<days>/<provider>~<service id>; 0 days ends.' }),
  subject: printable(255).meta({ description: 'The person, as the issuer knows them.' }),
  issuer: printable(255).optional().meta({ description: 'Names the namespace of the subject; the BSN when left out.' }),
  interface_version: z
    .string()
    .regex(/^[0-9A-Za-z._-]{1,30}$/, 'must be 1 to 30 letters, digits, dots, dashes')
    .optional(),
  granted_days: z.int().min(0).max(99_999).optional(),
  authorized_at: z.iso
    .datetime({ offset: true, error: 'must be a moment as in RFC 3339, with a zone' })
    .max(40)
    .meta({ description: 'When the person agreed.' }),
});

export type AuthorizedRequest = z.output<typeof authorizedRequest>;
