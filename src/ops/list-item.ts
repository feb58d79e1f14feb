import { z } from 'zod';
import { listNames } from '../medmij-lists';

/** One MedMij list as it is in use (contract.md 4). */
export const listItem = z.strictObject({
  name: z.enum(listNames),
  sequence: z.int().nullable(),
  published_at: z.iso.datetime().nullable(),
  fetched_at: z.iso.datetime().nullable(),
  age_s: z.int().nullable(),
  stale: z.boolean(),
  last_refusal: z.strictObject({ at: z.iso.datetime(), line: z.int().nullable(), reason: z.string() }).nullable(),
});
