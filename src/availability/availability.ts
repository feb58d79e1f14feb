/** Whose availability is asked, for which service of which provider (domain.md 3, exception 3). */
export interface AvailabilityQuestion {
  subject: string;
  /** The name space of the subject. */
  issuer: string;
  /** Without `@medmij`. */
  provider: string;
  serviceId: string;
}

/**
 * Asks whether the provider makes data of this service available to this person: a treatment relation exists or has existed, the
 * person is 16 or older, and nothing else stands in the way.
 */
export interface Availability {
  /** @throws AvailabilityUnknown when there is no answer, or one that cannot be read */
  isAvailable(question: AvailabilityQuestion): Promise<boolean>;
  /** Gives up its connections. */
  close(): Promise<void>;
}

/** The question has no answer now. What was asked is not in it. */
export class AvailabilityUnknown extends Error {
  constructor(reason: string) {
    super(`The availability is not known: ${reason}.`);
    this.name = 'AvailabilityUnknown';
  }
}

/** Injection token of the port. */
export const AVAILABILITY = Symbol('AVAILABILITY');
