import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AuthorizedRequestBody, TestService } from '../support/app';
import { ask, isReady, recorded } from './walk';

const table = readFileSync(resolve(__dirname, '../../dev/sample-lists/README.md'), 'utf8');

/** The rows of the table in dev/sample-lists/README.md: what to try, client, scope, answer. */
const rows = table
  .split('\n')
  .map((line) => /^\| (.+) \| `(.+)` \| `(.+)` \| (.+) \|$/.exec(line)?.slice(1) as [string, string, string, string])
  .filter((row) => row !== undefined);
const refusals = rows.filter(([, , , answer]) => /^`/.test(answer));
const acceptances = rows.filter(([, , , answer]) => /^accepted/.test(answer));

/** Every code of domain.md 2. */
const codes = [
  'unknown_client',
  'scope_invalid',
  'unknown_service',
  'service_not_listed_for_client',
  'client_endpoints_missing',
  'unknown_provider',
  'service_not_offered',
  'subscriptions_not_offered',
  'duration_above_maximum',
];

describe('the checks of an authorized request, with the sample lists', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
    await isReady(service);
  });
  afterAll(() => service.stop());

  const refused = async (given: Partial<AuthorizedRequestBody>, code: string, path?: string) => {
    const { status, headers, body, text } = await ask(service, given);
    expect([status, body.code]).toEqual([422, code]);
    expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(body).toMatchObject({ status: 422, title: expect.any(String), detail: expect.any(String) });
    expect(body.type).toBe(`${service.world.env.PUBLIC_URL ?? 'http://localhost:0'}/errors/${code}`);
    if (path) expect(body.errors.map((fault) => fault.path)).toEqual([path]);
    for (const sent of [given.subject, given.client_id, given.scope]) {
      if (sent && sent.length > 'subscribe'.length) expect(text.slice(text.indexOf('title'))).not.toContain(sent);
    }
  };

  it('have a row in the README for each code', () => {
    expect(new Set(refusals.map(([, , , answer]) => answer.slice(1, -1)))).toEqual(new Set(codes));
    expect(acceptances.length).toBeGreaterThanOrEqual(5);
  });

  it.each(refusals)('refuse %s', async (_, client_id, scope, answer) => {
    const before = await recorded(service);
    await refused({ client_id, scope }, answer.slice(1, -1));
    expect(await recorded(service)).toEqual(before);
  });

  it.each(acceptances)('accept %s', async (_, client_id, scope) => {
    const { status, body } = await ask(service, { client_id, scope });
    // An ending by somebody without a subscription passes the checks and is refused after them.
    expect([status, body.code]).toEqual(scope.startsWith('subscribe~0/') ? [422, 'not_subscribed'] : [201, undefined]);
  });

  it.each([
    'subscribe',
    'subscribe~/eenofanderezorgaanbieder~42',
    'subscribe~-1/eenofanderezorgaanbieder~42',
    'subscribe~+1/eenofanderezorgaanbieder~42',
    'subscribe~01/eenofanderezorgaanbieder~42',
    'subscribe~00/eenofanderezorgaanbieder~42',
    'subscribe~1.5/eenofanderezorgaanbieder~42',
    'subscribe~100000/eenofanderezorgaanbieder~42',
    'Subscribe~1/eenofanderezorgaanbieder~42',
    'subscribe~1/Eenofanderezorgaanbieder~42',
    'subscribe~1/eenofanderezorgaanbieder@medmij~42',
    'subscribe~1/eenofanderezorgaanbieder~42 ',
    ' subscribe~1/eenofanderezorgaanbieder~42',
    'subscribe~1/eenofanderezorgaanbieder~42\n',
    'subscribe~1/eenofanderezorgaanbieder~42/eenofanderezorgaanbieder~43',
    'subscribe~1/eenofanderezorgaanbieder~42 eenofanderezorgaanbieder~43',
    'subscribe~1/eenofanderezorgaanbieder~42 subscribe~1/eenofanderezorgaanbieder~43',
    'subscribe~1/eenofanderezorgaanbieder',
    'subscribe~1/ab~42',
    `subscribe~1/${'a'.repeat(51)}~42`,
    `subscribe~1/eenofanderezorgaanbieder~${'4'.repeat(31)}`,
    'subscribe~1/eenofanderezorgaanbieder~4 2',
    'subscribe~\u0661/eenofanderezorgaanbieder~42',
  ])('refuse the scope %j', (scope) => refused({ scope }, 'scope_invalid', 'scope'));

  it('allow each provider exactly its maximum', async () => {
    for (const scope of ['subscribe~7/aanbiederkort~42', 'subscribe~365/eenofanderezorgaanbieder~42'])
      expect((await ask(service, { scope })).status).toBe(201);
    for (const scope of ['subscribe~8/aanbiederkort~42', 'subscribe~366/eenofanderezorgaanbieder~42'])
      await refused({ scope }, 'duration_above_maximum', 'scope');
    await refused({ scope: 'subscribe~8/aanbiederkort~42', granted_days: 7 }, 'duration_above_maximum', 'scope');
  });

  it('allow to grant less than asked, but not more, and nothing exactly when it ends', async () => {
    const scope = 'subscribe~30/eenofanderezorgaanbieder~42';
    expect((await ask(service, { scope, granted_days: 29 })).status).toBe(201);
    await refused({ scope, granted_days: 31 }, 'duration_above_maximum', 'granted_days');
    await refused({ scope, granted_days: 0 }, 'duration_above_maximum', 'granted_days');
    const ending = 'subscribe~0/eenofanderezorgaanbieder~42';
    await refused({ scope: ending, granted_days: 1 }, 'duration_above_maximum', 'granted_days');
    await refused({ scope: ending, granted_days: 0 }, 'not_subscribed');
  });

  it('go by the interface version of the request, which is that of the configuration when none is named', async () => {
    expect((await ask(service, { interface_version: '3.0.0' })).status).toBe(201);
    await refused({ interface_version: '2.0.0' }, 'service_not_listed_for_client');
  });

  it('are made in their order: the first that fails is the answer', async () => {
    const failing = { client_id: 'unknown-client.example', scope: 'nonsense', authorized_at: '2099-01-01T00:00:00Z' };
    await refused(failing, 'unknown_client', 'client_id');
    await refused({ ...failing, client_id: 'no-services.example' }, 'scope_invalid');
    const at = (scope: string, client_id = 'localhost') => ({ ...failing, client_id, scope: `subscribe~999/${scope}` });
    await refused(at('onbekendeaanbieder~98', 'no-services.example'), 'unknown_service');
    await refused(at('onbekendeaanbieder~42', 'no-services.example'), 'service_not_listed_for_client');
    await refused(at('onbekendeaanbieder~42', 'no-endpoints.example'), 'client_endpoints_missing');
    await refused(at('onbekendeaanbieder~42'), 'unknown_provider');
    await refused(at('aanbiederoudeversie~42'), 'service_not_offered');
    await refused(at('aanbiederzonderabonneren~42'), 'subscriptions_not_offered');
    await refused(at('aanbiederkort~42'), 'duration_above_maximum');
    await refused({ ...failing, client_id: 'localhost', scope: 'subscribe~7/aanbiederkort~42' }, 'authorization_stale');
  });

  it('open up only what is at hosts of ours, once it is said which these are', async () => {
    await service.restart({ OWN_HOSTS: 'localhost' });
    await refused({ scope: 'subscribe~180/aanbiederelders~42' }, 'service_not_offered', 'scope');
    expect((await ask(service)).status).toBe(201);
    await service.restart({ OWN_HOSTS: 'ours.example' });
    await refused({}, 'service_not_offered', 'scope');
  });
});
