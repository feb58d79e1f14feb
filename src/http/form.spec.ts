import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Refused } from '../refusals';
import { readForm } from './form';

const read = (text: string) => readForm(Buffer.from(text));

describe('a form', () => {
  it('says what a browser put into it, whatever that is', () => {
    const text = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(fc.dictionary(text, text, { maxKeys: 20 }), (fields) => {
        const wellFormed = Object.fromEntries(new URLSearchParams(fields));
        expect(read(new URLSearchParams(fields).toString())).toEqual(wellFormed);
      }),
    );
  });

  it.each([
    ['', {}],
    ['&&', {}],
    ['a', { a: '' }],
    ['a=', { a: '' }],
    ['=a', { '': 'a' }],
    ['a=b=c&d=%26+%2B', { a: 'b=c', d: '& +' }],
  ])('%j says %j', (text, fields) => {
    expect(read(text)).toEqual(fields);
  });

  it('keeps the name of an inherited field to itself', () => {
    const fields = read('__proto__=x&constructor=y');
    expect(Object.keys(fields)).toEqual(['__proto__', 'constructor']);
    expect({}).not.toHaveProperty('x');
  });

  it.each([
    ['names a field twice', 'a=1&b=2&a=1'],
    ['names a field twice, once in another spelling', 'a=1&%61=2'],
    ['holds half an escape', 'a=%4'],
    ['holds an escape that is none', 'a=%zz'],
    ['holds an escaped byte that is no UTF-8', 'a=%ff'],
    ['holds a character that is not escaped', 'a=é'],
    ['holds a line break', 'a=b\r\nc=d'],
    ['has too many fields', Array.from({ length: 51 }, (_, index) => `f${index}=`).join('&')],
  ])('is refused when it %s', (_, text) => {
    expect(() => read(text)).toThrow(Refused);
  });
});
