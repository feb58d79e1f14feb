import { randomUUID } from 'node:crypto';
import type { LogCheck } from '../test/event-store/log-check';

/** What a person agrees to, one thing after the other: a start, two other end dates, an end. Each makes one event. */
const daysOfLife = [180, 90, 60, 0] as const;

export const terms = {
  clientId: 'localhost',
  provider: 'eenofanderezorgaanbieder',
  serviceId: '42',
  interfaceVersion: '3.0.0',
};

/** The next thing that a person agrees to. */
export interface Agreement {
  readonly subject: string;
  /** 0 for the first thing of a person not known yet. */
  readonly version: number;
  readonly days: number;
  /** Known again in the log by its number. */
  readonly mark: number;
}

export const authorizationIdOf = (mark: number) => `bench-${mark}`;
export const markOf = (authorizationId: string) => Number(authorizationId.slice('bench-'.length));

/** Numbers for everything that is asked for, so that the check knows what must be there. */
export class Marks {
  /** `last`: the numbers up to this one are somebody else's. */
  constructor(
    private readonly check: LogCheck,
    private last = 0,
  ) {}

  next(): number {
    this.last += 1;
    return this.last;
  }

  /** Told of what was answered as recorded. */
  committed(mark: number): void {
    this.check.commit(mark);
  }
}

/** Persons one after the other, each through `changes` agreements. */
export class PersonLife {
  private subject = '';
  private version = 0;

  constructor(
    private readonly marks: Marks,
    private readonly changes: number = daysOfLife.length,
  ) {}

  next(): Agreement {
    if (this.version === 0) this.subject = randomUUID();
    const { subject, version } = this;
    this.version = (version + 1) % this.changes;
    return { subject, version, days: daysOfLife[version]!, mark: this.marks.next() };
  }
}
