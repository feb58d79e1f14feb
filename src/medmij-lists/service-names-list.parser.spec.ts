import { describe, expect, it } from '@jest/globals';
import { serviceName, serviceNamesList } from '../../test/medmij-lists/list-xml';
import { parseWhole } from './list-parser';
import { serviceNamesListParser } from './service-names-list.parser';

const parseServiceNamesList = (bytes: Uint8Array) =>
  parseWhole(serviceNamesListParser, bytes, { localhostAllowed: false });

describe('the service names list', () => {
  it('gives the display name of each service', async () => {
    const bytes = serviceNamesList(
      serviceName('42', 'Verzamelen Huisartsgegevens') + serviceName('a.b_c-9', ' Médicatie\n'),
    );
    expect([...(await parseServiceNamesList(bytes)).entries]).toEqual([
      ['42', 'Verzamelen Huisartsgegevens'],
      ['a.b_c-9', 'Médicatie'],
    ]);
  });

  it.each<[what: string, services: string, reason: RegExp]>([
    ['no service', '', /empty/],
    ['a service twice', serviceName('42') + serviceName('42', 'Iets anders'), /"42" is listed twice/],
    ['no display name', serviceName('42', ''), /text of 1 to/],
    ['an endless display name', serviceName('42', 'x'.repeat(501)), /text of 1 to/],
    ['no id', serviceName(''), /identifier/],
    [
      'no element for the display name',
      '<Gegevensdienst><GegevensdienstId>42</GegevensdienstId></Gegevensdienst>',
      /Weergavenaam is missing/,
    ],
  ])('is refused with %s', async (_, services, reason) => {
    await expect(parseServiceNamesList(serviceNamesList(services))).rejects.toThrow(reason);
  });
});
