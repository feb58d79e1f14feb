import { randomUUID } from 'node:crypto';
import type { IdentityRow } from '../event-store';
import { type PersonKey } from './person-key';

/** The namespace of the BSN, and the one of a request that names none (domain.md 1, decided). */
export const bsnNamespace = 'urn:oid:2.16.840.1.113883.2.4.6.3';

/** How a person is looked up, and the row to make when nobody by that hash is known yet. */
export interface PersonIdentity {
  subjectHash: Buffer;
  /** Under the previous PERSON_KEY, while it is being rotated. */
  previousSubjectHash?: Buffer;
  /** A new random person id with the sealed subject; a different one at each call. */
  newRow(): IdentityRow;
}

/** Turns (issuer, subject) into an identity. The subject goes no further than the sealed row. */
export class PersonIdentities {
  constructor(
    private readonly key: PersonKey,
    private readonly previousKey?: PersonKey,
  ) {}

  of(subject: string, issuer = bsnNamespace): PersonIdentity {
    const { key, previousKey } = this;
    const hashes = {
      subjectHash: key.subjectHash(issuer, subject),
      ...(previousKey && { previousSubjectHash: previousKey.subjectHash(issuer, subject) }),
    };
    return {
      ...hashes,
      newRow: () => {
        const personId = randomUUID();
        const sealedSubject = key.seal(Buffer.from(JSON.stringify({ issuer, subject })), personId);
        return { ...hashes, personId, sealedSubject, keyId: key.id };
      },
    };
  }
}
