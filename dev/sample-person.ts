import { randomInt } from 'node:crypto';

const weights = [9, 8, 7, 6, 5, 4, 3, 2, -1];

/** The check every citizen service number passes: the weighted sum of its nine digits is a multiple of eleven. */
export const passesElevenTest = (digits: string) =>
  /^\d{9}$/.test(digits) && weights.reduce((sum, weight, place) => sum + weight * Number(digits[place]), 0) % 11 === 0;

/** A new sample person at every call. Numbers that begin with 9999 are for tests and are nobody's. */
export function samplePerson(): string {
  for (;;) {
    const digits = `9999${String(randomInt(100_000)).padStart(5, '0')}`;
    if (passesElevenTest(digits)) return digits;
  }
}
