import { describe, expect, it } from '@jest/globals';
import { type ExceptionName, type ExceptionRow, exceptions } from './exceptions';

/** Words in one sentence: more is not B1 (domain.md 10). */
const wordsMax = 20;

const rows = Object.entries<ExceptionRow>(exceptions);

describe('the table of exceptions', () => {
  it('numbers its rows as published, each number once', () => {
    const numbers = rows.flatMap(([name, { nummer }]) => (nummer === null ? [] : [[name, nummer]]));
    expect(numbers).toEqual(
      ['1a', '1b', '2', '3', '4', '5'].map((number) => [`Abonneren ${number}`, `Abonneren ${number}`]),
    );
  });

  it('tells the client one and the same of everything that it must not tell apart', () => {
    const names: ExceptionName[] = ['Abonneren 2', 'Abonneren 3', 'Abonneren 4', 'cancelled', 'expired'];
    expect(new Set(names.map((name) => JSON.stringify(exceptions[name].melding))).size).toBe(1);
  });

  it.each(rows)('says to the person what there is to say of %s, and to the client what it may know', (_, row) => {
    expect(row.melding === null).toBe(row.actie === 'page');
    if (row.actie !== 'redirect') expect(row.text).not.toBeNull();
    // RFC 6749 section 4.1.2.1.
    expect(row.melding?.error_description ?? '').toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/);
  });

  it.each(rows.filter(([, { text }]) => text !== null))(
    'says %s in short sentences in both languages',
    (_, { text }) => {
      for (const words of [text!.title, ...text!.body]) {
        for (const said of [String(words.nl), String(words.en)]) {
          for (const sentence of said.split(/[.?!](?:\s|$)/)) {
            expect([sentence, sentence.split(/\s+/).length <= wordsMax]).toEqual([sentence, true]);
          }
        }
      }
    },
  );
});
