import { describe, expect, it } from '@jest/globals';
import { client, clientList } from '../../test/medmij-lists/list-xml';
import { clientListParser } from './client-list.parser';
import { parseWhole } from './list-parser';
import type { ListReading } from './list-values';

const development = { localhostAllowed: true };
const production = { localhostAllowed: false };
const parseClientList = (bytes: Uint8Array, reading: ListReading) => parseWhole(clientListParser, bytes, reading);

describe('the client list', () => {
  it('in its bare shape has clients that cannot subscribe', async () => {
    const { entries } = await parseClientList(clientList(client('pgo.example'), { release: 2 }), production);
    expect([...entries]).toEqual([
      ['pgo.example', { clientId: 'pgo.example', organisationName: 'De PGO', endpoints: new Map() }],
    ]);
  });

  it.each([2, 3])(
    'in its extended shape has endpoints per interface version and service, under release %d',
    async (release) => {
      const bytes = clientList(
        client(
          'PGO.Example',
          {},
          { version: '2.0.0', id: '43', subscription: null },
          { version: '4.0.0', resource: null },
        ),
        { release },
      );
      const endpoints = (await parseClientList(bytes, production)).entries.get('pgo.example')?.endpoints;
      expect(endpoints?.get('3.0.0')?.get('42')).toEqual({
        subscription: 'https://pgo.example/subscriptions',
        resource: 'https://pgo.example/resources',
      });
      expect(endpoints?.get('2.0.0')?.get('43')).toEqual({ resource: 'https://pgo.example/resources' });
      expect(endpoints?.get('4.0.0')?.get('42')).toEqual({ subscription: 'https://pgo.example/subscriptions' });
    },
  );

  it('has the organisation name on one line', async () => {
    const bytes = clientList(client('pgo.example').replace('De PGO', '\n  De\t PGO &amp; Zoon\n'));
    expect((await parseClientList(bytes, production)).entries.get('pgo.example')?.organisationName).toBe(
      'De PGO & Zoon',
    );
  });

  it('may hold localhost in development only', async () => {
    const bytes = clientList(client('localhost'));
    expect((await parseClientList(bytes, development)).entries.has('localhost')).toBe(true);
    await expect(parseClientList(bytes, production)).rejects.toThrow(/development only/);
  });

  it.each<[what: string, clients: string, reason: RegExp]>([
    ['no client', '', /empty/],
    ['a client twice', client('pgo.example') + client('PGO.example'), /"pgo.example" is listed twice/],
    ['no organisation name', client('pgo.example').replace('De PGO', ''), /text of 1 to/],
    ['no host name', client(''), /not a host name/],
    ['a single label', client('pgo'), /not a host name/],
    ['an IPv4 address', client('192.0.2.1'), /not a host name/],
    ['an IPv6 address', client('[::1]'), /not a host name/],
    ['a port', client('pgo.example:443'), /not a host name/],
    ['a URL', client('https://pgo.example'), /not a host name/],
    ['a wildcard', client('*.pgo.example'), /not a host name/],
    ['a label that starts with a hyphen', client('-pgo.example'), /not a host name/],
    ['a label that ends with a hyphen', client('pgo-.example'), /not a host name/],
    ['an empty label', client('pgo..example'), /not a host name/],
    ['a final dot', client('pgo.example.'), /not a host name/],
    ['a label that is too long', client(`${'a'.repeat(64)}.example`), /not a host name/],
    ['a host name that is too long', client(`${'a.'.repeat(125)}example`), /not a host name/],
    ['a host name with letters beyond ASCII', client('pgö.example'), /not a host name/],
    ['an http endpoint', client('pgo.example', { subscription: 'http://pgo.example/s' }), /absolute https/],
    ['an http endpoint on localhost', client('localhost', { resource: 'http://localhost:3010/r' }), /absolute https/],
    ['an empty endpoint', client('pgo.example', { resource: '' }), /absolute https/],
    ['a query in an endpoint', client('pgo.example', { resource: 'https://pgo.example/r?x=y' }), /base URI/],
    [
      'an endpoint without its URI',
      client('pgo.example', {}).replace(/<ResourceNotificationEndpointuri>.*uri>/, ''),
      /uri is missing/,
    ],
  ])('is refused with %s', async (_, clients, reason) => {
    await expect(parseClientList(clientList(clients), development)).rejects.toMatchObject({
      name: 'ListRefused',
      line: expect.any(Number),
      reason: expect.stringMatching(reason),
    });
  });
});
