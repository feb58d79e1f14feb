import { describe, expect, it } from '@jest/globals';
import { client, clientList, node, provider, providerList, whitelist } from '../../test/medmij-lists/list-xml';
import { parseWhole } from './list-parser';
import { parsers } from './list-parsers';
import { parseList } from './list-parsing';

const production = { localhostAllowed: false };
const letters = (n: number) => [...String(n).padStart(5, '0')].map((digit) => 'abcdefghij'[Number(digit)]).join('');
const many = (count: number, entry: (name: string) => string) =>
  Array.from({ length: count }, (_, n) => entry(letters(n))).join('\n');

const providers = providerList(many(5_000, (name) => provider(name, {})));
const clients = clientList(many(1_050, (name) => client(`${name}.example`, {})));
const hosts = whitelist(many(8_001, (name) => node(`${name}.example`)));

/** Above the size that is parsed where it stands. */
const isBig = (bytes: Uint8Array) => bytes.length > 256 * 1024;

describe('a big list, parsed in a thread,', () => {
  it('comes back as it is when parsed where it stands', async () => {
    expect([providers, clients, hosts].every(isBig)).toBe(true);
    expect(await parseList('providers', providers, production)).toEqual(
      await parseWhole(parsers.providers, providers, production),
    );
    const list = await parseList('clients', clients, production);
    expect(list).toEqual(await parseWhole(parsers.clients, clients, production));
    expect(list.entries.size).toBe(1_050);
    const { entries } = await parseList('whitelist', hosts, production);
    expect([...entries.keys()]).toEqual(Array.from({ length: 8_001 }, (_, n) => `${letters(n)}.example`));
  });

  it('is refused with its line for what is found after many entries have come', async () => {
    const twice = Buffer.from(providers.toString().replaceAll(letters(4_990), letters(1)));
    expect(isBig(twice)).toBe(true);
    await expect(parseList('providers', twice, production)).rejects.toEqual(
      await parseWhole(parsers.providers, twice, production).catch((refusal: unknown) => refusal),
    );
    await expect(parseList('providers', twice, production)).rejects.toMatchObject({
      name: 'ListRefused',
      line: expect.any(Number),
      reason: expect.stringContaining('is listed twice'),
    });
  });

  it('lets other work have its turn', async () => {
    let turns = 0;
    let done = false;
    const count = () => {
      turns++;
      if (!done) setImmediate(count);
    };
    setImmediate(count);
    await parseList('providers', providers, production);
    done = true;
    expect(turns).toBeGreaterThan(150);
  });
});
