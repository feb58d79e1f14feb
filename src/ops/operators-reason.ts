import { z } from 'zod';

/** Why an operator does it, in words of one's own; part of the audit line. */
export const reasonText = z
  .string()
  .max(1_000)
  .regex(/^[^\p{Cc}\p{Zl}\p{Zp}\p{Cs}]{1,500}$/u, 'must be 1 to 500 characters on one line');
