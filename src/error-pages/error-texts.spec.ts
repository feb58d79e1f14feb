import { describe, expect, it } from '@jest/globals';
import { refusals } from '../refusals';
import { errorTexts, pageTexts } from './error-texts';
import { oauthErrors } from './oauth-errors';

/** Words in one sentence: more is not B1 (domain.md 10). */
const wordsMax = 20;

const all = [...Object.entries(errorTexts), ...Object.entries(pageTexts)];

describe('the texts of errors', () => {
  it.each([
    [
      'RFC 6749 section 4.1.2.1',
      'invalid_request unauthorized_client access_denied unsupported_response_type invalid_scope server_error temporarily_unavailable',
    ],
    [
      'RFC 6749 section 5.2',
      'invalid_request invalid_client invalid_grant unauthorized_client unsupported_grant_type invalid_scope',
    ],
    ['RFC 6750 section 3.1', 'invalid_request invalid_token insufficient_scope'],
    ['domain.md 3', 'access_denied authorization_failed'],
  ])('are there for every error of %s', (_, codes) => {
    expect(oauthErrors).toEqual(expect.arrayContaining(codes.split(' ')));
  });

  it('are there for every code of ours, and for nothing else', () => {
    expect(Object.keys(errorTexts).sort()).toEqual([...new Set([...Object.keys(refusals), ...oauthErrors])].sort());
  });

  it.each(all)('of %s are short sentences in both languages', (_, { title, meaning, advice }) => {
    for (const words of [title, meaning, advice]) {
      for (const text of [String(words.nl), String(words.en)]) {
        for (const sentence of text.split(/[.?!](?:\s|$)/)) {
          expect([sentence, sentence.split(/\s+/).length <= wordsMax]).toEqual([sentence, true]);
        }
      }
      expect(words.nl).not.toBe(words.en);
    }
  });
});
