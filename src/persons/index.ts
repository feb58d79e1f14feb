/** Who is behind a person id: keyed hashes, sealed subjects, fingerprints of requests. */
export { RequestFingerprint } from './fingerprint';
export { isSamePerson, KnownPersons, type KnownSubject, type PersonHolder } from './known-persons.store';
export { bsnNamespace, PersonIdentities, type PersonIdentity } from './person-identities';
export { PersonalSeal, type Sealed } from './personal-seal';
export { PersonsModule } from './persons.module';
export { type SampleAvailability, type SamplePerson, samplePersons } from './sample-persons';
