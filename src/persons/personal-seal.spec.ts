import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { PersonKey } from './person-key';
import { PersonalSeal } from './personal-seal';

const [key, previousKey] = [new PersonKey(randomBytes(32)), new PersonKey(randomBytes(32))];
const plain = Buffer.from('999999990');

describe('the seal of what holds a subject', () => {
  it('opens again in its own context only', () => {
    const seal = new PersonalSeal(key);
    const sealed = seal.seal(plain, 'row 1');
    expect(sealed.sealed.includes(plain)).toBe(false);
    expect(seal.open(sealed, 'row 1')).toEqual(plain);
    expect(() => seal.open(sealed, 'row 2')).toThrow();
  });

  it('seals under the present key, and opens what is sealed under the previous one', () => {
    const before = new PersonalSeal(previousKey).seal(plain, 'row');
    const rotated = new PersonalSeal(key, previousKey);
    expect(rotated.seal(plain, 'row').keyId).toBe(key.id);
    expect(rotated.open(before, 'row')).toEqual(plain);
  });

  it('says that it cannot open what was sealed under a key that is gone', () => {
    expect(new PersonalSeal(key).open(new PersonalSeal(previousKey).seal(plain, 'row'), 'row')).toBeUndefined();
  });
});
