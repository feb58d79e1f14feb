/** The only source of the present moment; rules get it inside their command, SQL as a parameter. */
export abstract class Clock {
  abstract now(): Date;
}

/** The machine's clock, moved by a fixed number of seconds (development only, CLOCK_OFFSET_S). */
export function systemClock(offsetS = 0): Clock {
  return { now: () => new Date(Date.now() + offsetS * 1000) };
}
