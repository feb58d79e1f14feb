/** At most this much later than asked for. */
const part = 0.1;

/** The moment `inMs` after `now`, or a little later, so that what began together does not go on together. */
export function spread(now: Date, inMs: number, random = Math.random()): Date {
  return new Date(now.getTime() + Math.ceil(inMs * (1 + part * random)));
}
