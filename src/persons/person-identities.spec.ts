import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { PersonIdentities } from './person-identities';
import { PersonKey } from './person-key';

const key = new PersonKey(randomBytes(32));
const previousKey = new PersonKey(randomBytes(32));
const bsnNamespace = 'urn:oid:2.16.840.1.113883.2.4.6.3';

describe('the identity of a person', () => {
  const identities = new PersonIdentities(key);

  it('is the same whether the issuer is left out or is the one of the BSN', () => {
    expect(identities.of('999999990').subjectHash).toEqual(identities.of('999999990', bsnNamespace).subjectHash);
    expect(identities.of('999999990').subjectHash).not.toEqual(identities.of('999999990', 'other').subjectHash);
  });

  it('is looked up by the hash of the present key only, as long as no key is being rotated', () => {
    expect(identities.of('999999990')).not.toHaveProperty('previousSubjectHash');
  });

  it('is looked up by the hash of the previous key too while keys are rotated', () => {
    const rotated = new PersonIdentities(key, previousKey).of('999999990');
    expect(rotated.subjectHash).toEqual(key.subjectHash(bsnNamespace, '999999990'));
    expect(rotated.previousSubjectHash).toEqual(previousKey.subjectHash(bsnNamespace, '999999990'));
  });

  it('gets a random id and a row that opens under the present key, for that id only', () => {
    const identity = new PersonIdentities(key, previousKey).of('999999990', 'issuer');
    const [row, other] = [identity.newRow(), identity.newRow()];
    expect(row.personId).not.toBe(other.personId);
    expect(row).toMatchObject({ subjectHash: identity.subjectHash, keyId: key.id });
    expect(JSON.parse(key.open(row.sealedSubject, row.personId).toString())).toEqual({
      issuer: 'issuer',
      subject: '999999990',
    });
    expect(() => key.open(row.sealedSubject, other.personId)).toThrow();
  });
});
