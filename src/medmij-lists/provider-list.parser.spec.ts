import { describe, expect, it } from '@jest/globals';
import { offering, provider, providerList } from '../../test/medmij-lists/list-xml';
import { parseWhole } from './list-parser';
import { providerListParser } from './provider-list.parser';

const parseProviderList = (bytes: Uint8Array) => parseWhole(providerListParser, bytes, { localhostAllowed: false });

const versions = (...pairs: [version: string, services: string][]) =>
  `<Interfaceversies>${pairs
    .map(
      ([id, services]) =>
        `<Interfaceversie><InterfaceversieId>${id}</InterfaceversieId><Gegevensdiensten>${services}</Gegevensdiensten></Interfaceversie>`,
    )
    .join('')}</Interfaceversies>`;
const named = (name: string, inside = '') =>
  `<Zorgaanbieder><Zorgaanbiedernaam>${name}</Zorgaanbiedernaam>${inside}</Zorgaanbieder>`;

describe('the provider list', () => {
  it('gives what each provider offers per interface version and service', async () => {
    const bytes = providerList(
      named(
        'eenofanderezorgaanbieder@medmij',
        versions(['2.0.0', offering({ maximum: null })], ['3.0.0', offering() + offering({ id: '43', maximum: 7 })]),
      ) + provider('ander', { authorization: 'https://AS.Elsewhere.example:8443/a?b=c' }),
      { sequence: 17 },
    );
    const list = await parseProviderList(bytes);
    expect(list.sequence).toBe(17);
    expect(list.publishedAt).toEqual(new Date('2026-01-01T08:00:00Z'));
    expect([...list.entries.keys()]).toEqual(['eenofanderezorgaanbieder', 'ander']);
    const { name, offerings } = list.entries.get('eenofanderezorgaanbieder')!;
    expect(name).toBe('eenofanderezorgaanbieder');
    expect(offerings.get('2.0.0')?.get('42')).toEqual({
      authorizationEndpoint: 'https://as.dva.example/authorize',
      tokenEndpoint: 'https://token.dva.example/token',
      hosts: ['as.dva.example', 'token.dva.example'],
    });
    expect(offerings.get('3.0.0')?.get('42')).toEqual({
      authorizationEndpoint: 'https://as.dva.example/authorize',
      tokenEndpoint: 'https://token.dva.example/token',
      subscriptions: { maximumDays: 365, subscriptionEndpoint: 'https://abo.dva.example/base' },
      hosts: ['as.dva.example', 'token.dva.example', 'abo.dva.example'],
    });
    expect(offerings.get('3.0.0')?.get('43')?.subscriptions?.maximumDays).toBe(7);
    expect(list.entries.get('ander')?.offerings.get('3.0.0')?.get('42')?.hosts[0]).toBe('as.elsewhere.example');
  });

  it('may hold a provider that offers nothing, and names that no scope can spell', async () => {
    const { entries } = await parseProviderList(providerList(named('leeg@medmij') + named('Praktijk-1.x@medmij')));
    expect([...entries.keys()]).toEqual(['leeg', 'Praktijk-1.x']);
    expect(entries.get('leeg')?.offerings.size).toBe(0);
  });

  it.each<[what: string, providers: string, reason: RegExp]>([
    ['no provider', '', /empty/],
    ['a provider twice', provider('eerste') + provider('eerste'), /"eerste" is listed twice/],
    [
      'an interface version twice',
      named('eerste@medmij', versions(['3.0.0', ''], ['3.0.0', ''])),
      /"3.0.0" is listed twice/,
    ],
    ['a service twice', named('eerste@medmij', versions(['3.0.0', offering() + offering()])), /"42" is listed twice/],
    ['a name without @medmij', named('eerste'), /not a provider name/],
    ['a name that is too short', named('ab@medmij'), /not a provider name/],
    ['a name that is too long', named(`${'a'.repeat(51)}@medmij`), /not a provider name/],
    ['no name', '<Zorgaanbieder/>', /Zorgaanbiedernaam is missing/],
    ['no service id', provider('eerste', { id: '' }), /identifier/],
    ['a service id that is too long', provider('eerste', { id: 'x'.repeat(31) }), /identifier/],
    ['an http authorization endpoint', provider('eerste', { authorization: 'http://as.example/a' }), /absolute https/],
    ['http on localhost', provider('eerste', { authorization: 'http://localhost:3000/a' }), /absolute https/],
    ['a relative token endpoint', provider('eerste', { token: '/token' }), /absolute https/],
    ['an https URI without authority', provider('eerste', { token: 'https:token' }), /absolute https/],
    ['user info in an endpoint', provider('eerste', { token: 'https://a:b@as.example/' }), /absolute https/],
    ['a fragment in an endpoint', provider('eerste', { token: 'https://as.example/#' }), /absolute https/],
    ['white space in an endpoint', provider('eerste', { token: 'https://as.exa mple/' }), /absolute https/],
    ['a tab that a URL parser would drop', provider('eerste', { token: 'https://as.exa&#9;mple/' }), /absolute https/],
    [
      'a backslash in an endpoint',
      provider('eerste', { token: 'https://as.example\\@evil.example/' }),
      /absolute https/,
    ],
    [
      'an endpoint that is too long',
      provider('eerste', { token: `https://as.example/${'x'.repeat(2048)}` }),
      /absolute https/,
    ],
    ['an empty endpoint', provider('eerste', { token: ' ' }), /absolute https/],
    ['a query in the subscription endpoint', provider('eerste', { subscription: 'https://a.example/?b' }), /base URI/],
    ['a maximum of 0', provider('eerste', { maximum: 0 }), /positive integer/],
    ['a negative maximum', provider('eerste', { maximum: -1 }), /positive integer/],
    ['a maximum that is no number', provider('eerste', { maximum: 'P1Y' }), /positive integer/],
    ['no maximum', provider('eerste', {}).replace(/<MaximaleDuur>.*<\/MaximaleDuur>/, ''), /MaximaleDuur is missing/],
    [
      'no subscription endpoint',
      provider('eerste', {}).replace(/<SubscriptionEndpointuri>.*<\/SubscriptionEndpointuri>/, ''),
      /SubscriptionEndpointuri is missing/,
    ],
    [
      'no token endpoint',
      provider('eerste', {}).replace(/<TokenEndpoint>.*<\/TokenEndpoint>/, ''),
      /TokenEndpoint is missing/,
    ],
    [
      'two authorization endpoints',
      provider('eerste', {}).replace(/<AuthorizationEndpoint>.*<\/AuthorizationEndpoint>/, '$&$&'),
      /AuthorizationEndpoint occurs twice/,
    ],
  ])('is refused with %s', async (_, providers, reason) => {
    await expect(parseProviderList(providerList(providers))).rejects.toMatchObject({
      name: 'ListRefused',
      line: expect.any(Number),
      reason: expect.stringMatching(reason),
    });
  });

  it('is refused under the name space of another release or list', async () => {
    await expect(parseProviderList(providerList(provider('eerste'), { release: 2 }))).rejects.toThrow(/name space/);
    const other = 'xmlns://afsprakenstelsel.medmij.nl/oauthclientlist/release3/';
    await expect(parseProviderList(providerList(provider('eerste'), { namespace: other }))).rejects.toThrow(
      /name space/,
    );
  });

  it('names the line of what is wrong', async () => {
    const bytes = providerList(`\n\n${provider('eerste')}\n${provider('tweede', { maximum: 0 })}`);
    const line =
      bytes
        .toString()
        .split('\n')
        .findIndex((text) => text.includes('MaximaleDuur')) + 1;
    await expect(parseProviderList(bytes)).rejects.toMatchObject({ line });
  });

  it('names no line where libxml2 no longer counts them', async () => {
    const bytes = providerList('\n'.repeat(70_000) + named('eerste'));
    await expect(parseProviderList(bytes)).rejects.toMatchObject({
      line: null,
      reason: expect.stringMatching(/"eerste"/),
    });
  });
});
