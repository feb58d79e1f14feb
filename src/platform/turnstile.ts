/** Lets so many through at once; the others wait in line, and the line has an end. */
export class Turnstile {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly limits: { inside: number; waiting: number }) {}

  /** Undefined when the line is full already: `work` was not begun and will not be. */
  pass<Result>(work: () => Promise<Result>): Promise<Result> | undefined {
    const mustWait = this.inside >= this.limits.inside;
    if (mustWait && this.waiting.length >= this.limits.waiting) return undefined;
    return this.passInTurn(mustWait, work);
  }

  private async passInTurn<Result>(mustWait: boolean, work: () => Promise<Result>): Promise<Result> {
    // Whoever leaves hands the place on, so that nobody who comes later slips in between.
    if (mustWait) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.inside += 1;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.inside -= 1;
    }
  }
}
