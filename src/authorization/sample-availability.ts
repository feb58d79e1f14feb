import type { Availability, AvailabilityQuestion } from './availability';

/** The sample persons made for exception 3 (contract.md 2): one under 16, one without a treatment relation. */
const unavailableSubjects = new Set(['999900006', '999900018']);

/** Development only: everybody is available but the sample persons made for it. */
export class SampleAvailability implements Availability {
  isAvailable({ subject }: AvailabilityQuestion): Promise<boolean> {
    return Promise.resolve(!unavailableSubjects.has(subject));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
