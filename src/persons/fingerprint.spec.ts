import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RequestFingerprint } from './fingerprint';

const key = randomBytes(32);
const fingerprint = new RequestFingerprint(key);

describe('the fingerprint of a request', () => {
  it('is the same for the same content under the same key', () => {
    const content = ['999999990', 180, undefined, null, '2026-03-01T12:00:00Z'];
    expect(new RequestFingerprint(Buffer.from(key)).of(content)).toEqual(fingerprint.of([...content]));
  });

  it('is another one under another key, so that nobody can try out subjects', () => {
    expect(new RequestFingerprint(randomBytes(32)).of(['999999990'])).not.toEqual(fingerprint.of(['999999990']));
  });

  it('tells different content apart, wherever the border between two fields lies', () => {
    const content = fc.array(fc.oneof(fc.string(), fc.integer()), { maxLength: 4 });
    fc.assert(
      fc.property(content, content, (one, other) => {
        const isSame = JSON.stringify(one) === JSON.stringify(other);
        expect(fingerprint.of(one).equals(fingerprint.of(other))).toBe(isSame);
      }),
      {
        examples: [
          [
            ['ab', 'c'],
            ['a', 'bc'],
          ],
          [[1], ['1']],
          [[], ['']],
        ],
      },
    );
  });
});
