import { describe, expect, it } from '@jest/globals';
import { node, whitelist } from '../../test/medmij-lists/list-xml';
import { parseWhole } from './list-parser';
import type { ListReading } from './list-values';
import { whitelistParser } from './whitelist.parser';

const production = { localhostAllowed: false };
const parseWhitelist = (bytes: Uint8Array, reading: ListReading) => parseWhole(whitelistParser, bytes, reading);

describe('the whitelist', () => {
  it('is read in its new and its old shape', async () => {
    const bytes = whitelist(`${node('new.example')}<MedMijNode>\n  Old.example <!-- x --></MedMijNode>`);
    expect([...(await parseWhitelist(bytes, production)).entries.keys()]).toEqual(['new.example', 'old.example']);
  });

  it('may hold localhost in development only', async () => {
    await expect(parseWhitelist(whitelist(node('localhost')), production)).rejects.toThrow(/development only/);
    expect((await parseWhitelist(whitelist(node('localhost')), { localhostAllowed: true })).entries.size).toBe(1);
  });

  it.each<[what: string, nodes: string, reason: RegExp]>([
    ['no node', '', /empty/],
    ['an empty node', '<MedMijNode/>', /not a host name/],
    [
      'a host twice, in two shapes',
      `${node('a.example')}<MedMijNode>A.example</MedMijNode>`,
      /"a.example" is listed twice/,
    ],
    ['a bad host name', node('a_b.example'), /not a host name/],
    ['a node without host name', '<MedMijNode><Naam>a.example</Naam></MedMijNode>', /Hostname is missing/],
    [
      'two host names in one node',
      `<MedMijNode><Hostname>a.example</Hostname><Hostname>b.example</Hostname></MedMijNode>`,
      /Hostname occurs twice/,
    ],
  ])('is refused with %s', async (_, nodes, reason) => {
    await expect(parseWhitelist(whitelist(nodes), production)).rejects.toThrow(reason);
  });
});
