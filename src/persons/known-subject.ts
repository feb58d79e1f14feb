import { z } from 'zod';
import { bsnNamespace } from './person-identities';

/** A person as an issuer knows them. */
const known = z.object({ issuer: z.string(), subject: z.string() });
export type KnownSubject = z.output<typeof known>;

/** What was sealed of a person. */
export function knownSubjectIn(plain: Buffer): KnownSubject {
  return known.parse(JSON.parse(plain.toString()));
}

/** Keeps persons for a while, sealed or by a keyed fingerprint, and forgets one who is erased. */
export interface PersonHolder {
  forgetPerson(person: KnownSubject): Promise<void>;
}

/** Whether a person as a room keeps one, with the issuer left out for the BSN's, is this one. */
export function isSamePerson({ subject, issuer }: KnownSubject, kept: { subject: string; issuer?: string }): boolean {
  return kept.subject === subject && (kept.issuer ?? bsnNamespace) === issuer;
}
