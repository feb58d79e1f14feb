import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readJsonDocument } from './json-document';

const read = (text: string) => readJsonDocument(Buffer.from(text));

describe('a JSON document', () => {
  it('says what JSON.parse says, while no name occurs twice', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(3), (value, spaces) => {
        const text = JSON.stringify(value, null, spaces);
        expect(read(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('may use one name in different objects, and as a value', () => {
    const text = '{"a":{"a":["a","a",{"a":1},{"a":2}]},"b":"{\\"a\\":1,\\"a\\":2}","c\\\\":1,"c":2}';
    expect(read(text)).toEqual(JSON.parse(text));
  });

  it.each([
    '{"a":1,"a":1}',
    '{"a":1,"b":{},"a":2}',
    '{"a":1,"\\u0061":2}',
    '{"\\"":1 , "\\u0022" :2}',
    '{"":1,"":2}',
    '{"__proto__":1,"__proto__":2}',
    '[[{"x":[{"a":1,"a":2}]}]]',
    '{"a":"}","a":"{"}',
  ])('that names a field twice has no meaning: %s', (text) => {
    expect(() => read(text)).toThrow('names a field twice');
  });

  it('that repeats any of its names anywhere is refused', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }),
        fc.nat(),
        fc.nat(3),
        (value, which, spaces) => {
          const names = Object.keys(value);
          const name = JSON.stringify(names[which % names.length]);
          const text = JSON.stringify(value, null, spaces);
          expect(() => read(`[${text.replace('{', () => `{${name}:0,`)}]`)).toThrow('names a field twice');
        },
      ),
    );
  });

  it('can be as deep as it is long', () => {
    const depth = 100_000;
    expect(Array.isArray(read('['.repeat(depth) + ']'.repeat(depth)))).toBe(true);
    expect(() => read(`${'{"a":'.repeat(depth)}{"b":1,"b":2}${'}'.repeat(depth)}`)).toThrow('names a field twice');
  });

  it('is UTF-8, and valid', () => {
    expect(() => readJsonDocument(Buffer.from([0x22, 0xff, 0x22]))).toThrow('is not valid UTF-8');
    for (const text of ['', '{', "{'a':1}", '{"a":1,}', '01', 'NaN'])
      expect(() => read(text)).toThrow('is not valid JSON');
  });
});
