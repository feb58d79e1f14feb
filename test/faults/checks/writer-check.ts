import { type LogHistory, Violations } from './log-history';

/** One append of a direct writer: so many events after a version, under a token that is the correlation id of each. */
export interface Written {
  token: string;
  stream: string;
  after: number;
  count: number;
  /** `unknown`: the connection broke before the answer. */
  outcome: 'committed' | 'rolled back' | 'unknown';
}

/** Direct writers of the log: what they committed is there, whole and at its place; what they rolled back is not. */
export class WriterCheck {
  private readonly violations = new Violations();
  private readonly written: Written[] = [];

  constructor(private readonly log: LogHistory) {}

  add(written: Written): void {
    this.written.push(written);
  }

  finish(): Violations {
    for (const { token, stream, after, count, outcome } of this.written) {
      const places = Array.from({ length: count }, (_, index) => this.log.entry(stream, after + 1 + index));
      const present = places.filter((entry) => entry?.correlation === token).length;
      if (outcome === 'committed' && present < count) {
        this.violations.add('committed is in the log', `${token}: ${present} of ${count} after ${after}`, stream);
      }
      if (outcome === 'rolled back' && present > 0) {
        this.violations.add('rolled back is gone', `${token}: ${present} of ${count} after ${after}`, stream);
      }
      if (present > 0 && present < count && outcome === 'unknown') {
        this.violations.add('all or nothing', `${token}: ${present} of ${count} after ${after}`, stream);
      }
    }
    return this.violations;
  }
}
