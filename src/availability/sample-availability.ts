import { samplePersons } from '../persons';
import type { Availability, AvailabilityQuestion } from './availability';

const unavailable = new Set(
  samplePersons.filter(({ availability }) => availability !== 'available').map(({ subject }) => subject),
);

/** Development only: everybody is available but the sample persons made for exception 3. */
export class SampleAvailability implements Availability {
  isAvailable({ subject }: AvailabilityQuestion): Promise<boolean> {
    return Promise.resolve(!unavailable.has(subject));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
