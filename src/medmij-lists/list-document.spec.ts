import { describe, expect, it } from '@jest/globals';
import { serviceName, serviceNamesList } from '../../test/medmij-lists/list-xml';
import { listBytesMax, listDepthMax } from './list-document';
import { parseWhole } from './list-parser';
import { serviceNamesListParser } from './service-names-list.parser';

const production = { localhostAllowed: false };
const parseServiceNamesList = (bytes: Uint8Array) => parseWhole(serviceNamesListParser, bytes, production);

const good = serviceNamesList(serviceName('42')).toString();
const declaration = '<?xml version="1.0" encoding="UTF-8"?>';
const body = good.slice(declaration.length);
const parse = (text: string | Uint8Array) => parseServiceNamesList(Buffer.from(text));

const laughs = Array.from({ length: 9 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join('');
const nested = (depth: number) => body.replace('<Gegevensdiensten>', `${'<x>'.repeat(depth)}${'</x>'.repeat(depth)}$&`);

describe('a list document', () => {
  it.each<[what: string, text: string | Uint8Array]>([
    ['without an XML declaration', body.trim()],
    ['with a byte order mark', `\ufeff${good}`],
    ['with comments and processing instructions around the root', `${declaration}<!-- a --><?b c?>${body}<!-- d -->`],
    ['with the words of a DTD inside a comment', `${declaration}<!-- <!DOCTYPE a [<!ENTITY b "c">]> -->${body}`],
    ['with single quotes', good.replaceAll('"', "'")],
    ['with prefixed elements', good.replaceAll(/<(\/?)([A-Z])/g, '<$1m:$2').replace('xmlns=', 'xmlns:m=')],
    ['with attributes and unknown elements', good.replace('<Tijdstempel>', '<New a="b"><c/></New><Tijdstempel d="e">')],
    [
      'with elements of another name space',
      good.replace('<Tijdstempel>', '<Volgnummer xmlns="urn:x">9</Volgnummer>$&'),
    ],
    ['with comments and CDATA in a value', good.replace('>42<', '><!-- 4 --><?p 4?>4<![CDATA[2]]>\n<')],
    ['with processing instructions between elements', good.replaceAll(/<(?=[TVG])/g, '<?p q?><')],
    ['with other line ends', good.replaceAll('\n', '\r\n')],
    ['nested as deeply as allowed', `${declaration}${nested(listDepthMax - 1)}`],
  ])('is read %s', async (_, text) => {
    const { entries, sequence } = await parse(text);
    expect([...entries.keys()]).toEqual(['42']);
    expect(sequence).toBe(1);
  });

  it.each<[what: string, text: string | Uint8Array, line: number | null, reason: RegExp]>([
    [
      'an external entity',
      `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>${body}`,
      1,
      /document type declaration/,
    ],
    ['a billion laughs', `<!DOCTYPE a [<!ENTITY l0 "ha">${laughs}]>${body}`, 1, /document type declaration/],
    ['any DTD', `${declaration}\n<!-- x -->\n<!DOCTYPE a>${body}`, 3, /document type declaration/],
    ['a DTD behind a byte order mark', `\ufeff<!DOCTYPE a>${body}`, 1, /document type declaration/],
    ['an external DTD', `<!DOCTYPE a SYSTEM "https://evil.example/a.dtd">${body}`, 1, /document type declaration/],
    ['a stray entity declaration', `<!ENTITY a "b">${body}`, 1, /document type declaration/],
    ['a DTD inside the root', good.replace('<Tijdstempel>', '<!DOCTYPE a>$&'), 3, /not well-formed/],
    ['an entity nobody declared', good.replace('>42<', '>&x;<'), 5, /not well-formed: .*Entity 'x'/],
    ['too deep nesting', `${declaration}${nested(listDepthMax)}`, 5, /deeper than 256/],
    ['very deep nesting', '<a>'.repeat(100_000), 1, /deeper than 256/],
    ['an end in the middle', good.slice(0, -40), 5, /not well-formed/],
    ['an unfinished comment', '<!-- <!DOCTYPE a>', 1, /not well-formed/],
    ['nothing at all', '', 1, /not well-formed/],
    ['something that is no XML', 'the list moved', 1, /not well-formed/],
    ['a prefix nobody declared', good.replace('<Tijdstempel>', '<q:a/>$&'), 3, /not well-formed/],
    ['bytes that are not UTF-8', Buffer.concat([Buffer.from(good), Buffer.from([0xff])]), null, /not UTF-8/],
    [
      'Latin-1',
      Buffer.from(good.replace('Huis', 'Hu\xefs').replace('UTF-8', 'ISO-8859-1'), 'latin1'),
      null,
      /not UTF-8/,
    ],
    ['another declared encoding', good.replace('UTF-8', 'UTF-7'), 1, /declared as "UTF-7"/],
    ['UTF-16', Buffer.from(`\ufeff${good.replace('UTF-8', 'UTF-16')}`, 'utf16le'), null, /not UTF-8/],
    ['UTF-16 that looks like UTF-8', Buffer.from(good, 'utf16le'), 1, /not well-formed/],
    ['another root', serviceNamesList(serviceName('42'), { root: 'Whitelist' }), 2, /root element is "Whitelist"/],
    [
      'another name space',
      serviceNamesList(serviceName('42'), { namespace: 'urn:other' }),
      2,
      /name space "urn:other"/,
    ],
    ['another release', serviceNamesList(serviceName('42'), { release: 2 }), 2, /release2/],
    ['no name space', good.replace(/ xmlns="[^"]*"/, ''), 2, /name space ""/],
    ['no Tijdstempel', serviceNamesList(serviceName('42'), { timestamp: '' }), 2, /Tijdstempel is missing/],
    ['no Volgnummer', serviceNamesList(serviceName('42'), { number: '' }), 2, /Volgnummer is missing/],
    ['two Volgnummers', good.replace('<Volgnummer>', '<Volgnummer>2</Volgnummer>$&'), 4, /Volgnummer occurs twice/],
    ['elements where text belongs', good.replace('>42<', '><b>42</b><'), 5, /elements instead of text/],
    ['no entry', serviceNamesList(''), 5, /empty/],
    [
      'no element for entries',
      good.replace(/<Gegevensdiensten>[^]*<\/Gegevensdiensten>/, ''),
      2,
      /Gegevensdiensten is missing/,
    ],
  ])('is refused with %s', async (_, text, line, reason) => {
    await expect(parse(text)).rejects.toMatchObject({
      name: 'ListRefused',
      line,
      reason: expect.stringMatching(reason),
    });
  });

  it('is refused unread when it is too big', async () => {
    await expect(parseServiceNamesList(new Uint8Array(listBytesMax + 1))).rejects.toMatchObject({
      reason: `bigger than ${listBytesMax} bytes`,
    });
  });

  it.each([
    '2026-01-01T09:00:00Z',
    '2026-01-01T09:00:00.123456+01:00',
    '2024-02-29T00:00:00-05:00',
    ' 2026-01-01T09:00:00Z\n',
  ])('takes %j as its Tijdstempel', async (text) => {
    const { publishedAt } = await parseServiceNamesList(
      serviceNamesList(serviceName('42'), { timestamp: `<Tijdstempel>${text}</Tijdstempel>` }),
    );
    expect(publishedAt).toEqual(new Date(text.trim()));
  });

  it.each([
    '',
    '2026-01-01',
    '2026-01-01T09:00:00',
    '2026-02-30T09:00:00Z',
    '2026-13-01T09:00:00Z',
    '2026-01-01T25:00:00Z',
    'now',
    '1767258000',
  ])('is refused with %j as its Tijdstempel', async (text) => {
    const bytes = serviceNamesList(serviceName('42'), { timestamp: `<Tijdstempel>${text}</Tijdstempel>` });
    await expect(parseServiceNamesList(bytes)).rejects.toMatchObject({
      line: 3,
      reason: expect.stringMatching(/date and time/),
    });
  });

  it.each(['', '0', '-1', '1.5', '1e3', '0x10', '9999999999999999', 'one', '1 2'])(
    'is refused with %j as its Volgnummer',
    async (text) => {
      const bytes = serviceNamesList(serviceName('42'), { number: `<Volgnummer>${text}</Volgnummer>` });
      await expect(parseServiceNamesList(bytes)).rejects.toMatchObject({
        line: 4,
        reason: expect.stringMatching(/positive integer/),
      });
    },
  );

  it('never repeats a long or unprintable value', async () => {
    const bytes = serviceNamesList(serviceName('42'), { number: `<Volgnummer>\u202e${'x'.repeat(5000)}</Volgnummer>` });
    const { reason } = await parseServiceNamesList(bytes).then(
      () => ({ reason: 'taken over' }),
      (refusal: { reason: string }) => refusal,
    );
    expect(reason).toMatch(/^"\?x+\.\.\." is not a positive integer$/);
    expect(reason.length).toBeLessThan(150);
  });
});
