import { z } from 'zod';

/** Printable text: no control characters, no lone surrogates, nothing that PostgreSQL or a log line stumbles over. */
export const printable = (max: number) =>
  z
    .string()
    .min(1)
    .max(4 * max)
    .regex(new RegExp(`^[^\\p{C}\\p{Zl}\\p{Zp}]{1,${max}}$`, 'u'), `must be 1 to ${max} printable characters`);

/** A moment as in RFC 3339, in whatever zone. */
export const moment = z.iso.datetime({ offset: true, error: 'must be a moment as in RFC 3339, with a zone' }).max(40);

/** A person as a sender names one (contract.md 4): the pair is looked up by its keyed hash and stored sealed. */
export const personFields = {
  subject: printable(255).meta({ description: 'The person, as the issuer knows them.' }),
  issuer: printable(255).optional().meta({ description: 'Names the namespace of the subject; the BSN when left out.' }),
};
