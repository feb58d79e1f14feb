/** Why the availability condition fails for a sample person (domain.md 3, exception 3), or that it does not. */
export type SampleAvailability = 'available' | 'under_16' | 'no_treatment_relation';

export interface SamplePerson {
  /** Numbers that begin with 9999 are for tests and are nobody's. */
  subject: string;
  name: string;
  availability: SampleAvailability;
}

/**
 * Who signs in at the development issuer (dev/sample-issuer), and for whom the development availability says no. They mean
 * something in development only: production refuses both the issuer and that availability (src/config/problems.ts).
 */
export const samplePersons: readonly SamplePerson[] = [
  { subject: '999900018', name: 'Anna Jansen', availability: 'available' },
  { subject: '999900031', name: 'Bram de Boer', availability: 'available' },
  { subject: '999900043', name: 'Kind Visser', availability: 'under_16' },
  { subject: '999900055', name: 'Dirk Smit', availability: 'no_treatment_relation' },
];
