import { beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  client,
  clientList,
  node,
  offering,
  provider,
  providerList,
  serviceName,
  serviceNamesList,
  whitelist,
} from '../../test/medmij-lists/list-xml';
import { type Lists, ListStore } from '../medmij-lists';
import type { Refused } from '../refusals';
import { type AskedAuthorization, checkAuthorization, checks } from './checks';

const ours = new Set(['as.dva.example', 'token.dva.example', 'abo.dva.example']);
const elsewhere = 'https://elsewhere.example/';
const good: AskedAuthorization = {
  clientId: 'pgo.example',
  scope: 'subscribe~180/aanbieder~42',
  interfaceVersion: '3.0.0',
};

let lists: Lists;

beforeAll(async () => {
  const store = new ListStore({ now: () => new Date() }, { localhostAllowed: false });
  await store.offer(
    'providers',
    providerList(
      [
        provider('aanbieder', {}, { id: '43' }, { id: '44' }, { id: '99' }),
        provider('kort', { maximum: 7 }),
        provider('oudeversie', { version: '2.0.0' }),
        provider('zonder', { maximum: null }),
        provider('autorisatieelders', { authorization: elsewhere }),
        provider('tokenelders', { token: elsewhere }),
        provider('abonnementelders', { subscription: elsewhere }),
        provider('zonderenelders', { maximum: null, token: elsewhere }),
      ].join(''),
    ),
  );
  await store.offer(
    'clients',
    clientList(
      [
        client('pgo.example', {}, { id: '43', resource: null }, { id: '44', subscription: null }, { id: '99' }),
        client('kaal.example'),
        client('leeg.example', { subscription: null, resource: null }),
      ].join(''),
    ),
  );
  await store.offer('service_names', serviceNamesList(['42', '43', '44', '45'].map((id) => serviceName(id)).join('')));
  await store.offer('whitelist', whitelist(node('pgo.example')));
  lists = store.current();
});

function refusalOf(
  asked: Partial<AskedAuthorization>,
  ownHosts: ReadonlySet<string> | undefined = ours,
): Refused | undefined {
  try {
    checkAuthorization({ ...good, ...asked }, lists, ownHosts);
    return undefined;
  } catch (error) {
    return error as Refused;
  }
}

const asking = (scope: string, days = 180) => ({ scope: `subscribe~${days}/${scope}` });

describe('an authorization', () => {
  it('that passes every check becomes terms', () => {
    expect(checkAuthorization({ ...good, grantedDays: 90 }, lists, ours)).toEqual({
      clientId: 'pgo.example',
      provider: 'aanbieder',
      serviceId: '42',
      interfaceVersion: '3.0.0',
      days: 180,
      grantedDays: 90,
      maximumDays: 365,
    });
  });

  it('is granted for the days asked when nothing is said about it', () => {
    expect(checkAuthorization(good, lists, ours).grantedDays).toBe(180);
    expect(checkAuthorization({ ...good, ...asking('aanbieder~42', 0) }, lists, ours).grantedDays).toBe(0);
  });

  it.each<[code: string, what: string, asked: Partial<AskedAuthorization>]>([
    ['unknown_client', 'of a client that is not listed', { clientId: 'nobody.example' }],
    ['unknown_client', 'of nobody', { clientId: '' }],
    ['unknown_client', 'of a client in capitals', { clientId: 'PGO.example' }],
    ['unknown_client', 'of a client with a port', { clientId: 'pgo.example:443' }],
    ['scope_invalid', 'with a bad scope', { scope: 'subscribe~180/aanbieder~42 openid' }],
    ['unknown_service', 'for a service without a name', asking('aanbieder~99')],
    ['service_not_listed_for_client', 'for a service the client does not have', asking('aanbieder~45')],
    ['service_not_listed_for_client', 'of a client without services', { clientId: 'kaal.example' }],
    ['service_not_listed_for_client', 'under another interface version', { interfaceVersion: '2.0.0' }],
    ['client_endpoints_missing', 'without a resource notification endpoint', asking('aanbieder~43')],
    ['client_endpoints_missing', 'without a subscription notification endpoint', asking('aanbieder~44')],
    ['client_endpoints_missing', 'without any notification endpoint', { clientId: 'leeg.example' }],
    ['unknown_provider', 'at a provider that is not listed', asking('onbekend~42')],
    ['service_not_offered', 'at a provider with another interface version', asking('oudeversie~42')],
    ['service_not_offered', 'with an authorization endpoint elsewhere', asking('autorisatieelders~42')],
    ['service_not_offered', 'with a token endpoint elsewhere', asking('tokenelders~42')],
    ['service_not_offered', 'with a subscription endpoint elsewhere', asking('abonnementelders~42')],
    ['service_not_offered', 'elsewhere, before anything is said of Abonneren', asking('zonderenelders~42')],
    ['subscriptions_not_offered', 'without Abonneren', asking('zonder~42')],
    ['subscriptions_not_offered', 'without Abonneren, even to end', asking('zonder~42', 0)],
    ['duration_above_maximum', 'for a day too many', asking('kort~42', 8)],
    [
      'duration_above_maximum',
      'for too many days though fewer are granted',
      { ...asking('kort~42', 8), grantedDays: 7 },
    ],
    ['duration_above_maximum', 'with more granted than asked', { grantedDays: 181 }],
    ['duration_above_maximum', 'with nothing granted', { grantedDays: 0 }],
    ['duration_above_maximum', 'with less than nothing granted', { grantedDays: -1 }],
    ['duration_above_maximum', 'with part of a day granted', { grantedDays: 1.5 }],
    ['duration_above_maximum', 'with no number granted', { grantedDays: Number.NaN }],
    ['duration_above_maximum', 'that ends and grants', { ...asking('aanbieder~42', 0), grantedDays: 1 }],
  ])('is refused as %s %s', (code, _, asked) => {
    const refusal = refusalOf(asked)!;
    expect(refusal.name).toBe('Refused');
    expect(refusal.code).toBe(code);
    expect(refusal.detail).toMatch(/^The .+\.$/);
    expect(refusal.faults).toEqual([
      { path: expect.stringMatching(/^(client_id|scope|granted_days)$/), message: refusal.detail },
    ]);
  });

  it('is for any host as long as it is not said which hosts are ours', () => {
    for (const name of ['autorisatieelders', 'tokenelders', 'abonnementelders']) {
      expect(checkAuthorization({ ...good, ...asking(`${name}~42`) }, lists, undefined).provider).toBe(name);
    }
    expect(refusalOf(asking('zonderenelders~42'), new Set())?.code).toBe('service_not_offered');
  });

  it('is judged in the order of the table', () => {
    expect(checks.map(({ code }) => code)).toEqual([
      'unknown_client',
      'scope_invalid',
      'unknown_service',
      'service_not_listed_for_client',
      'client_endpoints_missing',
      'unknown_provider',
      'service_not_offered',
      'subscriptions_not_offered',
      'duration_above_maximum',
      'duration_above_maximum',
    ]);
  });

  // Each request also fails the check of the line below it; the earlier one is the answer.
  it.each<[code: string, asked: Partial<AskedAuthorization>]>([
    ['unknown_client', { clientId: 'nobody.example', scope: 'bad' }],
    ['scope_invalid', { scope: 'subscribe~180/aanbieder~98@' }],
    ['unknown_service', asking('aanbieder~98')],
    ['service_not_listed_for_client', { clientId: 'kaal.example', ...asking('onbekend~42') }],
    ['client_endpoints_missing', { clientId: 'leeg.example', ...asking('onbekend~42') }],
    ['unknown_provider', { ...asking('onbekend~42'), grantedDays: 999 }],
    ['service_not_offered', { ...asking('zonderenelders~42') }],
    ['subscriptions_not_offered', { ...asking('zonder~42', 99_999), grantedDays: 99_999 }],
    ['duration_above_maximum', { ...asking('kort~42', 8), grantedDays: 9 }],
  ])('with several faults is refused as %s', (code, asked) => {
    expect(refusalOf(asked)?.code).toBe(code);
  });

  it('names the field that is at fault in a duration', () => {
    expect(refusalOf({ ...asking('kort~42', 8), grantedDays: 9 })?.faults[0]?.path).toBe('scope');
    expect(refusalOf({ ...asking('kort~42', 7), grantedDays: 8 })?.faults[0]?.path).toBe('granted_days');
  });

  it('is decided alike for every combination of days, granted and maximum', async () => {
    const maximums = [1, 2, 3, 4];
    const store = new ListStore({ now: () => new Date() }, { localhostAllowed: false });
    const names = ['een', 'twee', 'drie', 'vier'];
    await store.offer(
      'providers',
      providerList(maximums.map((maximum, n) => provider(names[n]!, { maximum })).join('')),
    );
    await store.offer('clients', clientList(client('pgo.example', {})));
    await store.offer('service_names', serviceNamesList(serviceName('42')));
    await store.offer('whitelist', whitelist(node('pgo.example')));
    // Rows: days 0 to 5. Columns: granted -1 to 6. "y" where it may be, for the maximum of the table.
    const table: Record<number, string[]> = {
      1: ['.y......', '..y.....', '........', '........', '........', '........'],
      2: ['.y......', '..y.....', '..yy....', '........', '........', '........'],
      3: ['.y......', '..y.....', '..yy....', '..yyy...', '........', '........'],
      4: ['.y......', '..y.....', '..yy....', '..yyy...', '..yyyy..', '........'],
    };
    for (const maximum of maximums) {
      const rows = [0, 1, 2, 3, 4, 5].map((days) =>
        [-1, 0, 1, 2, 3, 4, 5, 6]
          .map((grantedDays) => {
            const scope = `subscribe~${days}/${names[maximum - 1]}~42`;
            try {
              const terms = checkAuthorization({ ...good, scope, grantedDays }, store.current(), undefined);
              expect(terms).toMatchObject({ days, grantedDays, maximumDays: maximum });
              return 'y';
            } catch (error) {
              expect((error as Refused).code).toBe('duration_above_maximum');
              return '.';
            }
          })
          .join(''),
      );
      expect(rows).toEqual(table[maximum]);
    }
  });

  it('is refused without a word of what was sent', () => {
    const text = fc.string({ minLength: 4, maxLength: 5000 }).map((sent) => `\u0007${sent}`);
    fc.assert(
      fc.property(text, text, text, (clientId, scope, interfaceVersion) => {
        for (const asked of [{ clientId }, { scope }, { interfaceVersion }]) {
          const { detail, faults } = refusalOf(asked)!;
          expect(JSON.stringify([detail, faults])).not.toContain('\\u0007');
          expect(detail.length).toBeLessThan(250);
        }
      }),
    );
  });

  it('needs no more than a scope that is spelled right for terms that make sense', () => {
    const asked = fc.record({
      clientId: fc.constantFrom('pgo.example', 'kaal.example', 'leeg.example', 'x'),
      scope: fc
        .tuple(
          fc.nat(400),
          fc.constantFrom('aanbieder', 'kort', 'zonder', 'oudeversie', 'x'),
          fc.constantFrom('42', '43', '99'),
        )
        .map(([days, name, service]) => `subscribe~${days}/${name}~${service}`),
      interfaceVersion: fc.constantFrom('2.0.0', '3.0.0', ''),
      grantedDays: fc.option(fc.integer({ min: -1, max: 400 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(asked, (request) => {
        try {
          const { days, grantedDays, maximumDays } = checkAuthorization(request, lists, ours);
          expect(days).toBeLessThanOrEqual(maximumDays);
          expect(grantedDays).toBeLessThanOrEqual(days);
          expect(grantedDays === 0).toBe(days === 0);
        } catch (error) {
          expect((error as Refused).name).toBe('Refused');
        }
      }),
      { numRuns: 1000 },
    );
  });
});

it('the builders of these tests make a list with and without Abonneren', () => {
  expect(offering()).toContain('Abonneren');
  expect(offering({ maximum: null })).not.toContain('Abonneren');
});
