import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { checkAuthorization, checks } from '../../src/authorization-checks';
import { type Lists, ListStore } from '../../src/medmij-lists';
import type { Refused } from '../../src/refusals';

const folder = resolve(__dirname, '../../dev/sample-lists');
const localhost = new Set(['localhost']);

let lists: Lists;
let rows: { what: string; clientId: string; scope: string; answer: string }[];

beforeAll(async () => {
  const store = new ListStore({ now: () => new Date() }, { localhostAllowed: true });
  const load = async (name: Parameters<ListStore['offer']>[0], file: string) =>
    expect(await store.offer(name, await readFile(resolve(folder, file)))).toMatchObject({ outcome: 'replaced' });
  await load('providers', 'zorgaanbiederslijst.xml');
  await load('clients', 'oauthclientlist.xml');
  await load('service_names', 'gegevensdienstnamenlijst.xml');
  await load('whitelist', 'whitelist.xml');
  lists = store.current();

  const readme = await readFile(resolve(folder, 'README.md'), 'utf8');
  // The one other row of this form is the head of the table.
  rows = [...readme.matchAll(/^\| ([^|]+) \| `([^|`]+)` \| `(subscribe~[^|`]+)` \| ([^|]+) \|$/gm)].map((cells) => ({
    what: cells[1]!,
    clientId: cells[2]!,
    scope: cells[3]!,
    answer: cells[4]!,
  }));
});

function answerTo(
  asked: { clientId: string; scope: string; grantedDays?: number },
  ownHosts?: ReadonlySet<string>,
): string {
  try {
    checkAuthorization({ interfaceVersion: '3.0.0', ...asked }, lists, ownHosts);
    return 'accepted';
  } catch (error) {
    return (error as Refused).code;
  }
}

describe('the sample lists', () => {
  it('hold what contract.md 2 promises', () => {
    expect(lists.client('localhost')?.organisationName).toBeTruthy();
    for (const serviceId of ['42', '43']) {
      expect(lists.serviceName(serviceId)).toBeTruthy();
      expect(lists.notificationEndpoints('localhost', '3.0.0', serviceId)).toEqual({
        subscription: 'https://sample-client.example/subscriptions',
        resource: 'https://sample-client.example/resources',
      });
    }
    expect(lists.offering('eenofanderezorgaanbieder', '3.0.0', '42')).toMatchObject({
      authorizationEndpoint: 'https://localhost/oauth/authorize',
      tokenEndpoint: 'https://localhost/oauth/token',
      subscriptions: { maximumDays: 365, subscriptionEndpoint: 'https://localhost' },
    });
    expect(lists.offering('anderezorgaanbieder', '3.0.0', '43')?.subscriptions?.maximumDays).toBe(90);
    expect(lists.isWhitelisted('sample-client.example')).toBe(true);
    expect(lists.isWhitelisted('localhost')).toBe(true);
    expect(lists.isWhitelisted('not-whitelisted.example')).toBe(false);
  });

  it('answer as their README says, whether OWN_HOSTS is set or not', () => {
    expect(rows.length).toBeGreaterThan(15);
    for (const { what, clientId, scope, answer } of rows) {
      const [first, withOwnHosts] = answer.split(';').map((part) => /accepted|(?<=`)[a-z_]+(?=`)/.exec(part)?.[0]);
      expect({ what, answer: answerTo({ clientId, scope }) }).toEqual({ what, answer: first });
      expect({ what, answer: answerTo({ clientId, scope }, localhost) }).toEqual({
        what,
        answer: withOwnHosts ?? first,
      });
    }
  });

  it('let every refusal be tried', () => {
    const answers = rows.map(({ clientId, scope }) => answerTo({ clientId, scope }));
    for (const { code } of checks) expect(answers).toContain(code);
  });

  it('let a bad grant be tried', () => {
    const scope = 'subscribe~180/eenofanderezorgaanbieder~42';
    expect(answerTo({ clientId: 'localhost', scope, grantedDays: 181 })).toBe('duration_above_maximum');
  });
});
