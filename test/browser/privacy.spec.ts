import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { BrowserContext } from 'playwright-core';
import { isReady, rowsOf } from '../journeys/walk';
import { samplePersons } from '../../src/persons';
import { TestBrowser } from '../support/browser';
import { type ServiceAndClient, startServiceAndClient } from '../support/client-side';
import { eventually } from '../support/eventually';
import { Person } from '../support/person';

const [anna, , child] = samplePersons;

describe('after a person began, changed and ended a subscription in a browser, and another was refused', () => {
  let world: ServiceAndClient;
  let browser: TestBrowser;
  /** What must not be found, by what it is. */
  const secrets = new Map<string, string>();
  /** Every address that a browser asked for, with what asked for it before (the referrer), and what pages kept. */
  const addresses: string[] = [];
  /** What our pages were made of. */
  const pages: string[] = [];
  beforeAll(async () => {
    world = await startServiceAndClient({ LOG_LEVEL: 'trace' });
    browser = await TestBrowser.launch();
    await isReady(world.service);
    await world.service.world.otherSide.follow('medmij.subscriptions.v1');
    for (const { subject } of samplePersons) secrets.set(subject, 'a subject');
    await listenToTokens(() => walk());
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await world?.stop();
  });

  async function walk(): Promise<void> {
    const person = await Person.arrive(browser, world.clientUrl);
    listenTo(person.browser);
    const subscription = await person.subscribe(anna!.name, 90);
    await subscription.getByLabel('Days from today').fill('30');
    const changing = await person.openWindow('Change');
    await person.signIn(changing, anna!.name);
    await person.leave(changing, /^Ja/);
    await person.page.getByText('The subscription has changed.').waitFor();
    await subscription.getByRole('button', { name: 'Check' }).click();
    await person.page.getByText('The provider has answered how it stands.').waitFor();
    await changing.close();
    const ending = await person.openWindow('End');
    await person.signIn(ending, anna!.name);
    await person.leave(ending, /^Ja/);
    await person.page.getByText('The subscription has ended.').waitFor();
    await ending.close();
    const refused = await person.ask(90);
    await person.signIn(refused, child!.name);
    await person.leave(refused, 'Terug naar mijn app');
    await person.dialog().waitFor();
    await eventually(async () => expect(await person.notifications().count()).toBe(3));
    addresses.push(String(await person.page.evaluate('JSON.stringify({ ...localStorage, ...sessionStorage })')));
    pages.push(await person.page.content());
    await person.close();
  }

  function listenTo(context: BrowserContext): void {
    context.on('request', (request) => {
      const url = new URL(request.url());
      addresses.push(`${request.url()} ${request.headers().referer ?? ''}`);
      // The one place where a code belongs; it is looked for everywhere else.
      const code = url.pathname === '/callback' ? url.searchParams.get('code') : null;
      if (code) secrets.set(code, 'a code');
    });
    context.on('response', (response) => {
      if (!response.url().startsWith(world.serviceUrl) && !response.url().includes('/api/')) return;
      response.text().then(
        (text) => pages.push(text),
        // A redirect has no body, and a page that was left is gone.
        () => undefined,
      );
    });
  }

  /** The tokens go from the service to the client's server, where no browser sees them. */
  async function listenToTokens(work: () => Promise<void>): Promise<void> {
    const { fetch } = globalThis;
    globalThis.fetch = async (...request) => {
      const answer = await fetch(...request);
      if (String(request[0]).endsWith('/oauth/token')) {
        const { access_token: token } = (await answer.clone().json()) as { access_token: string };
        secrets.set(token, 'a token');
      }
      return answer;
    };
    try {
      await work();
    } finally {
      globalThis.fetch = fetch;
    }
  }

  const findIn = (text: string) => [...secrets].filter(([secret]) => text.includes(secret)).map(([, what]) => what);
  const kinds = () =>
    [...secrets.values()].reduce(
      (counts, what) => ({ ...counts, [what]: (counts[what] ?? 0) + 1 }),
      {} as Record<string, number>,
    );

  it('there are three codes and three tokens to look for', () => {
    expect(kinds()).toEqual({ 'a subject': samplePersons.length, 'a code': 3, 'a token': 3 });
  });

  it('none of them, and no subject, is in a log line', () => {
    const { logLines } = world.service.world;
    expect(logLines.filter((line) => line.includes('subscription')).length).toBeGreaterThan(3);
    expect(logLines.filter((line) => findIn(line).length > 0)).toEqual([]);
  });

  it('or in an address or a referrer, but for the code in the one address that is made for it', () => {
    const isCallback = (address: string) => address.startsWith(`${world.clientUrl}callback?`);
    expect(addresses.filter(isCallback)).toHaveLength(4);
    expect(addresses.filter((address) => !isCallback(address) && findIn(address).length > 0)).toEqual([]);
    expect(addresses.filter(isCallback).flatMap(findIn)).toEqual(['a code', 'a code', 'a code']);
  });

  it('or on a page of ours, or in what the page of the app is told', () => {
    expect(pages.length).toBeGreaterThan(10);
    expect(pages.filter((page) => findIn(page).length > 0)).toEqual([]);
  });

  it('or in an event, or in what the client is sent', async () => {
    const { seen } = world.service.world.otherSide;
    await eventually(() => expect(seen).toHaveLength(3));
    expect(seen.filter((record) => findIn(JSON.stringify(record)).length > 0)).toEqual([]);
    const received = world.client.received.newestFirst();
    expect(received).toHaveLength(3);
    expect(findIn(JSON.stringify(received))).toEqual([]);
  });

  it('or in a table', async () => {
    const tables = await rowsOf<{ name: string }>(
      world.service,
      `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
    );
    expect(tables.length).toBeGreaterThan(10);
    for (const { name } of tables) {
      const rows = await rowsOf<{ row: string }>(world.service, `select t::text as row from "${name}" t`);
      expect([name, rows.flatMap(({ row }) => findIn(row))]).toEqual([name, []]);
    }
  });

  it('unless it is there: the search itself finds each of them', () => {
    for (const secret of secrets.keys()) expect(findIn(`before${secret}after`)).toHaveLength(1);
  });
});
