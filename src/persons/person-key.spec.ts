import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PersonKey } from './person-key';

const secret = randomBytes(32);
const key = new PersonKey(secret);
const otherKey = new PersonKey(randomBytes(32));

describe('a person key', () => {
  describe('as a hash of who a person is', () => {
    it('gives the same hash for the same issuer and subject, in every process that has the key', () => {
      expect(new PersonKey(secret).subjectHash('issuer', 'subject')).toEqual(key.subjectHash('issuer', 'subject'));
    });

    it('gives another one under another key', () => {
      expect(otherKey.subjectHash('issuer', 'subject')).not.toEqual(key.subjectHash('issuer', 'subject'));
    });

    it('never takes two different pairs for one, wherever the border between them lies', () => {
      const texts = fc.string({ unit: fc.constantFrom('a', '1', ':', 'é', '\u0000', '\n') });
      fc.assert(
        fc.property(texts, texts, texts, texts, (issuer, subject, otherIssuer, otherSubject) => {
          const isSame = issuer === otherIssuer && subject === otherSubject;
          expect(key.subjectHash(issuer, subject).equals(key.subjectHash(otherIssuer, otherSubject))).toBe(isSame);
        }),
        {
          examples: [
            ['ab', 'c', 'a', 'bc'],
            ['1:a', '', '1', ':a'],
            ['', '0:a', '0', ':a'],
          ],
        },
      );
    });

    it('has the full length of its function and shows nothing of the subject', () => {
      const hash = key.subjectHash('issuer', '999999990');
      expect(hash).toHaveLength(32);
      expect(hash.includes('999999990')).toBe(false);
    });
  });

  describe('as a seal', () => {
    it('opens what it has sealed, whatever it is', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), fc.string(), (plain, context) => {
          expect(key.open(key.seal(Buffer.from(plain), context), context)).toEqual(Buffer.from(plain));
        }),
      );
    });

    it('looks different each time and shows nothing of what is in it', () => {
      const [one, two] = [key.seal(Buffer.from('999999990'), 'row'), key.seal(Buffer.from('999999990'), 'row')];
      expect(one).not.toEqual(two);
      expect(one.includes('999999990')).toBe(false);
    });

    it('stays closed to another key', () => {
      const sealed = key.seal(Buffer.from('subject'), 'row');
      expect(() => otherKey.open(sealed, 'row')).toThrow();
    });

    it('stays closed in another place than that it was made for', () => {
      const sealed = key.seal(Buffer.from('subject'), 'row');
      expect(() => key.open(sealed, 'another row')).toThrow();
    });

    it('stays closed when any byte of it was changed', () => {
      const sealed = key.seal(Buffer.from('subject'), 'row');
      for (let at = 0; at < sealed.length; at += 1) {
        const changed = Buffer.from(sealed);
        changed[at]! ^= 1;
        expect(() => key.open(changed, 'row')).toThrow();
      }
    });

    it('stays closed when any part of it is missing', () => {
      const sealed = key.seal(Buffer.alloc(0), 'row');
      for (let length = 0; length < sealed.length; length += 1) {
        expect(() => key.open(sealed.subarray(0, length), 'row')).toThrow();
      }
      expect(() => key.open(Buffer.concat([sealed, Buffer.alloc(1)]), 'row')).toThrow();
    });
  });

  it('is named by a number that tells keys apart and is the same in every process', () => {
    expect(new PersonKey(secret).id).toBe(key.id);
    expect(otherKey.id).not.toBe(key.id);
    expect(key.id).toMatch(/^[0-9a-f]{16}$/);
    expect(secret.toString('hex')).not.toContain(key.id);
  });
});
