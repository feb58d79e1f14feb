import { createHash } from 'node:crypto';
import { seededRandom } from '../../support/random';

/** The chance of one purpose, from the seed of the run: what one purpose uses up changes nothing for another. */
export class Chance {
  /** From 0 up to 1. */
  readonly next: () => number;

  constructor(seed: number, purpose: string) {
    this.next = seededRandom(createHash('md5').update(`${seed} ${purpose}`).digest().readUInt32LE());
  }

  /** A whole number from 0 up to `count`. */
  upTo(count: number): number {
    return Math.floor(this.next() * count);
  }
}

/** An id that is the same in every run with the same text. */
export function uuidOf(text: string): string {
  const hex = createHash('md5').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
