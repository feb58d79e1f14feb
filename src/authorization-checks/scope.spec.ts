import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { formatScope, parseScope } from './scope';

const letters = [...'abcdefghijklmnopqrstuvwxyz'];
const scopes = fc.record({
  days: fc.integer({ min: 0, max: 99_999 }),
  provider: fc.string({ unit: fc.constantFrom(...letters), minLength: 3, maxLength: 50 }),
  serviceId: fc.string({
    unit: fc.constantFrom(...letters, ...'ABCXYZ0123456789._-'),
    minLength: 1,
    maxLength: 30,
  }),
});

/** The grammar once more, written as differently as possible: by hand, character by character. */
function isValid(text: string): boolean {
  const [head, tail, ...more] = text.split('/');
  const [literal, days, ...rest] = head!.split('~');
  const [provider, serviceId, ...others] = (tail ?? '').split('~');
  const onlyOf = (part: string | undefined, allowed: string, min: number, max: number) =>
    part !== undefined && part.length >= min && part.length <= max && [...part].every((sign) => allowed.includes(sign));
  const low = letters.join('');
  return (
    more.length + rest.length + others.length === 0 &&
    literal === 'subscribe' &&
    onlyOf(days, '0123456789', 1, 5) &&
    (days === '0' || !days!.startsWith('0')) &&
    onlyOf(provider, low, 3, 50) &&
    onlyOf(serviceId, `${low}${low.toUpperCase()}0123456789._-`, 1, 30)
  );
}

describe('a scope', () => {
  it('asks for days, a provider and a service (ext.abo.authint.200)', () => {
    expect(parseScope('subscribe~180/eenofanderezorgaanbieder~42')).toEqual({
      days: 180,
      provider: 'eenofanderezorgaanbieder',
      serviceId: '42',
    });
    expect(parseScope('subscribe~0/eenofanderezorgaanbieder~42')?.days).toBe(0);
    expect(parseScope('subscribe~99999/abc~A.b_c-1')).toEqual({ days: 99_999, provider: 'abc', serviceId: 'A.b_c-1' });
  });

  it.each([
    '',
    'subscribe',
    'subscribe~180',
    'subscribe~180/',
    'subscribe~/abc~42',
    'subscribe~180/abc',
    'subscribe~180/abc~',
    'subscribe~180/~42',
    'subscribe~180/ab~42',
    `subscribe~180/${'a'.repeat(51)}~42`,
    `subscribe~180/abc~${'4'.repeat(31)}`,
    'subscribe~180/abc@medmij~42',
    'subscribe~180/Abc~42',
    'subscribe~180/ab1~42',
    'subscribe~180/a.c~42',
    'subscribe~180/abc~4/2',
    'subscribe~180/abc~4 2',
    'subscribe~180/abc~é',
    'Subscribe~180/abc~42',
    'subscribe:180/abc~42',
    'subscribe~00/abc~42',
    'subscribe~0180/abc~42',
    'subscribe~100000/abc~42',
    'subscribe~-1/abc~42',
    'subscribe~+1/abc~42',
    'subscribe~1.0/abc~42',
    'subscribe~1e2/abc~42',
    'subscribe~0x1/abc~42',
    'subscribe~١/abc~42',
    'subscribe~180/abc~42 ',
    ' subscribe~180/abc~42',
    'subscribe~180/abc~42\n',
    'subscribe~180/abc~42\r',
    'subscribe~180/abc~42\u2028',
    'subscribe~180/abc~42\0',
    '\nsubscribe~180/abc~42',
    'openid\nsubscribe~180/abc~42',
    'subscribe~180/abc~42 openid',
    'openid subscribe~180/abc~42',
    'subscribe~180/abc~42 subscribe~180/abc~43',
    'subscribe~180/abc~42,abc~43',
    'subscribe~180/abc~42/def~43',
    'subscribe~180/abc~42+openid',
    'subscribe~180/abc~42%20',
  ])('is nothing else: %j', (text) => {
    expect(parseScope(text)).toBeUndefined();
  });

  it('comes back as it was written', () => {
    fc.assert(fc.property(scopes, (scope) => expect(parseScope(formatScope(scope))).toEqual(scope)));
    fc.assert(
      fc.property(scopes, (scope) => {
        const text = formatScope(scope);
        expect(formatScope(parseScope(text)!)).toBe(text);
      }),
    );
  });

  it('with something changed is read exactly when the grammar still holds', () => {
    const edit = fc.record({
      at: fc.nat(100),
      remove: fc.nat(3),
      insert: fc.string({ unit: fc.constantFrom(...'~/0a Z.\n@\u0661\u{1F600}'), maxLength: 3 }),
    });
    fc.assert(
      fc.property(scopes, edit, (scope, { at, remove, insert }) => {
        const text = formatScope(scope);
        const position = at % (text.length + 1);
        const changed = text.slice(0, position) + insert + text.slice(position + remove);
        expect(parseScope(changed) !== undefined).toBe(isValid(changed));
      }),
      { numRuns: 5000 },
    );
  });

  it('is never read out of arbitrary text', () => {
    fc.assert(fc.property(fc.string(), (text) => expect(parseScope(text) !== undefined).toBe(isValid(text))));
  });
});
