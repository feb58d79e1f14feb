import { describe, expect, it } from '@jest/globals';
import { reasonText } from './operators-reason';

describe('the reason that an operator gives', () => {
  const isTaken = (text: string) => reasonText.safeParse(text).success;

  it('is 1 to 500 characters on one line', () => {
    expect(['x', 'klacht 2026-17 – ’s middags', '€'.repeat(500)].filter((text) => !isTaken(text))).toEqual([]);
    expect(['', 'x'.repeat(501), 'one\ntwo', 'a\u0000'].filter(isTaken)).toEqual([]);
  });

  it('holds no number that could be a BSN, however it is written', () => {
    const texts = ['999990019', 'complaint of 999990019.', 'BSN:9999.90.019', '999 990 019', '(9999-90-019)'];
    expect(texts.filter(isTaken)).toEqual([]);
    expect(reasonText.safeParse('of 999990019').error?.issues[0]?.message).not.toContain('9999');
  });

  it('may hold other numbers', () => {
    const texts = [
      '999990018',
      'ticket 2026112312',
      '9999900190',
      'call of 06-12345678',
      '000000000',
      'case 123/456782',
    ];
    expect(texts.filter((text) => !isTaken(text))).toEqual([]);
  });
});
