/** Who is behind a person id: keyed hashes, sealed subjects, fingerprints of requests. */
export { RequestFingerprint } from './fingerprint';
export { KnownPersons, UnreadableSubject } from './known-persons.store';
export { isSamePerson, type KnownSubject, type PersonHolder } from './known-subject';
export { LeftPersons } from './left-persons.store';
export { bsnNamespace, PersonIdentities, type PersonIdentity } from './person-identities';
export { PersonalSeal, type Sealed } from './personal-seal';
export { PersonKeyMoveModule } from './person-key-move.module';
export { PersonsModule } from './persons.module';
export { type SampleAvailability, type SamplePerson, samplePersons } from './sample-persons';
