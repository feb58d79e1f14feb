import { z } from 'zod';

/** Nine digits by themselves, also grouped by dots, hyphens or spaces. */
const nineDigits = /(?<!\d)\d(?:[ .-]?\d){8}(?!\d)/g;

/**
 * Why an operator does it, in words of one's own; part of the audit line, and so kept for years. A number in the form of a BSN is
 * refused (docs/adr/0034): whoever types one has mistaken the field for a case file.
 */
export const reasonText = z
  .string()
  .max(1_000)
  .regex(/^[^\p{Cc}\p{Zl}\p{Zp}\p{Cs}]{1,500}$/u, 'must be 1 to 500 characters on one line')
  .refine((text) => !namesAPerson(text), 'must not hold a number that could be a BSN')
  .describe(
    'Why, in words that name no person: one line of 1 to 500 characters. A number of nine digits that could be a BSN is refused.',
  );

function namesAPerson(text: string): boolean {
  return [...text.matchAll(nineDigits)].some(([number]) => couldBeBsn(number.replace(/\D/g, '')));
}

/** The eleven-test: the digits weigh 9 to 2, the last one counts against them. */
function couldBeBsn(digits: string): boolean {
  const sum = [...digits].reduce((total, digit, index) => total + Number(digit) * (index === 8 ? -1 : 9 - index), 0);
  return sum > 0 && sum % 11 === 0;
}
