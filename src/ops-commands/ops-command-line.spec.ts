import { describe, expect, it } from '@jest/globals';
import { isOpsCommand, opsUsage, runOpsCommand } from '.';

const id = '1f6a2c7e-0d4b-4c7a-9e55-0b1c2d3e4f50';

/** What comes of words when there is nobody to ask. */
async function run(...words: string[]) {
  const said = { out: '', err: '' };
  const end = await runOpsCommand(words, {
    access: { baseUrl: 'http://nobody.invalid', token: 'none' },
    output: { write: (text) => void (said.out += text), isLive: false, columns: 80 },
    complain: (sentence) => void (said.err += sentence),
  });
  return { end, ...said };
}

describe('the words of the operator’s command line', () => {
  it.each([
    [['list', 'weather'], 'There is no list "weather".'],
    [['list', 'constructor'], 'There is no list "constructor".'],
    [['list', 'deliveries', '--colour', 'green'], '--colour'],
    [['list', 'deliveries', '--limit', 'many'], '--limit'],
    [['list', 'deliveries', 'dead'], 'Too many words: dead'],
    [['show', 'subscription'], 'An id is needed.'],
    [['show', 'weather', 'today'], 'There is no "weather" to show.'],
    [['retry', 'everything', 'now'], 'What, and which one?'],
    [['replay', '--since', '2020-01-01T00:00:00Z'], '--reason'],
    [['replay', '--since'], '--since'],
    [['rebuild'], 'Which projection?'],
    [['switch-back'], 'Which projection?'],
    [['erase', '--person_id', id], '--yes'],
    [['erase', '--yes'], 'Either --person_id or --subject-on-stdin.'],
    [['erase', '--person_id', id, '--subject-on-stdin', '--yes'], 'Either --person_id or --subject-on-stdin.'],
    [['erase', '--person_id', id, '--issuer', 'urn:x', '--yes'], '--issuer'],
    [['verify', 'everything'], 'Too many words'],
  ])('are not understood as %j, and nobody is asked anything', async (words, sentence) => {
    const { end, out, err } = await run(...words);
    expect([end, out]).toEqual(['usage', '']);
    expect(err).toContain(sentence);
    expect(err).toContain(`Usage: ${words[0]}`);
  });

  it('are names of subcommands that the usage shows', () => {
    for (const { name } of opsUsage()) expect(isOpsCommand(name.split(' ')[0]!)).toBe(true);
    for (const name of ['', 'toString', 'raise']) expect(isOpsCommand(name)).toBe(false);
  });
});
