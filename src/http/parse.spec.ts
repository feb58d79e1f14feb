import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Refused } from '../refusals';
import { parse } from './parse';

const schema = z.strictObject({ id: z.string().max(3), inner: z.strictObject({ days: z.int() }).optional() });

function refusalOf(sent: unknown, of: z.ZodType = schema): Refused {
  try {
    parse(of, sent);
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('what a caller sent', () => {
  it('is what the schema says', () => {
    expect(parse(schema, { id: 'a', inner: { days: 1 } })).toEqual({ id: 'a', inner: { days: 1 } });
  });

  it('is refused with each fault by its path', () => {
    const { code, faults } = refusalOf({ inner: { days: '1', other: 1 }, more: 1 });
    expect(code).toBe('malformed_request');
    expect(faults.map(({ path }) => path).sort()).toEqual(['id', 'inner.days', 'inner.other', 'more']);
  });

  it('is refused without a word of it', () => {
    const person = '999990019';
    const sent = { id: `${person} is too long`, inner: { days: person }, [person]: person, [`x${person}`]: 1 };
    const refused = refusalOf(sent);
    expect(JSON.stringify([refused.message, refused.detail, refused.faults])).not.toContain(person);
    expect(refused.faults.map(({ path }) => path)).toContain('(unnamable)');
  });

  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])(
    'is refused with a field %s',
    (name) => {
      const { faults } = refusalOf(JSON.parse(`{"id":"a","${name}":{"id":"b"}}`));
      expect(faults).toEqual([{ path: name, message: 'Unknown field.' }]);
      expect(Object.prototype).not.toHaveProperty('id');
    },
  );

  it.each([null, undefined, 'text', 1, [], [[]]])('is refused as %j', (sent) => {
    expect(refusalOf(sent).faults).toEqual([{ path: '', message: expect.any(String) }]);
  });

  it('is refused with 20 faults at most, named by index in a list', () => {
    const { faults } = refusalOf(
      Array.from({ length: 100 }, () => 'x'),
      z.array(z.int()),
    );
    expect(faults).toHaveLength(20);
    expect(faults[3]!.path).toBe('3');
  });
});
