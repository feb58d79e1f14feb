import type { Clock } from '../../src/platform';

/** The real time, moved as a test wants it. */
export class TestClock implements Clock {
  private offsetMs = 0;

  now(): Date {
    return new Date(Date.now() + this.offsetMs);
  }

  advance(ms: number): void {
    this.offsetMs += ms;
  }

  /** From now on the clock runs on from `moment`. */
  set(moment: Date): void {
    this.offsetMs = moment.getTime() - Date.now();
  }
}
