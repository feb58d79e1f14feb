import { z } from 'zod';
import { moment, personFields, printable } from '../http';

/** New information about a person, as both doors take it (contract.md 4). */
export const resourceChange = z.strictObject({
  change_id: printable(128).meta({
    description: 'Chosen by the sender; the same id again means the same change again.',
  }),
  ...personFields,
  provider: z.string().min(1).max(57).meta({ description: 'Without @medmij.' }),
  service_id: z.string().min(1).max(30),
  available_at: moment.meta({ description: 'Since when the information can be fetched; clients hear within an hour.' }),
});

export type ResourceChange = z.output<typeof resourceChange>;

/** What is answered, now and whenever the same change is handed in again. */
export const resourceChangeAnswer = z.strictObject({
  notifications: z.int().min(0).meta({ description: 'Subscriptions whose clients are told.' }),
});
