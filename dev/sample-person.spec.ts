import { describe, expect, it } from '@jest/globals';
import { passesElevenTest, samplePerson } from './sample-person';

describe('a sample person', () => {
  it("has a number that passes the eleven test and is nobody's", () => {
    for (let round = 0; round < 200; round += 1) {
      const digits = samplePerson();
      expect(digits).toMatch(/^9999\d{5}$/);
      expect(passesElevenTest(digits)).toBe(true);
    }
  });

  it('is told from a number with one digit changed', () => {
    expect(passesElevenTest('999990019')).toBe(true);
    expect(passesElevenTest('999990018')).toBe(false);
    expect(passesElevenTest('99999001')).toBe(false);
  });
});
