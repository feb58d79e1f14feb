import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { FrontChannel } from '../authorization/front-channel';
import { authorizationRequest, type Parameters, queryOf } from '../authorization/stepwise-visitor';
import { ownAddress } from '../support/app';
import { expectAccessible, TestBrowser } from '../support/browser';
import { eventually } from '../support/eventually';

describe('a person whose app asks for a subscription', () => {
  let front: FrontChannel;
  let client: Server;
  let clientUrl: string;
  let url: string;
  let browser: TestBrowser;
  let visitor: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    client = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<title>The app</title><h1>The app</h1>');
    });
    await new Promise<void>((resolve) => client.listen(0, 'localhost', resolve));
    clientUrl = `http://localhost:${(client.address() as AddressInfo).port}/back`;
    const address = await ownAddress();
    url = address.PUBLIC_URL;
    front = await FrontChannel.start(address);
    browser = await TestBrowser.launch();
  });
  afterAll(async () => {
    await browser?.close();
    await front?.stop();
    client?.closeAllConnections();
    client?.close();
  });
  beforeEach(async () => {
    visitor = await browser.newVisitor();
    page = await visitor.newPage();
    front.issuer.behaviour = { subject: 'a-person' };
  });
  afterEach(async () => {
    front.availability.answer = true;
    await visitor.close();
  });

  const addressOf = (given: Parameters) =>
    `${url}/oauth/authorize?${queryOf(authorizationRequest({ redirect_uri: clientUrl, ...given }))}`;
  const title = () => page.getByRole('heading', { level: 1 }).textContent();
  const press = (name: string) => page.getByRole('button', { name }).click();
  const follow = (name: string) => page.getByRole('link', { name }).click();
  /** What the app learns once the browser is back. */
  async function told(): Promise<Record<string, string>> {
    await page.waitForURL((at) => at.href.startsWith(clientUrl));
    return Object.fromEntries(new URL(page.url()).searchParams);
  }

  it('is led to the statement, agrees, and comes back with a code', async () => {
    await page.goto(addressOf({ state: 'walk' }));
    expect(await title()).toContain('Bericht krijgen bij nieuwe gegevens');
    await expectAccessible(page);
    await follow('Inloggen');
    expect(await title()).toContain('Geeft u toestemming?');
    await expectAccessible(page);
    await press('Ja, ik geef toestemming');
    expect(await told()).toEqual({ code: expect.any(String), iss: url, state: 'walk' });
  });

  it('walks it with the keyboard alone', async () => {
    await page.goto(addressOf({}));
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Ja, ik geef toestemming' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await told()).toHaveProperty('code');
  });

  it('ends a subscription after a statement of its own', async () => {
    await page.goto(addressOf({ scope: 'subscribe~0/eenofanderezorgaanbieder~42' }));
    await expectAccessible(page);
    await follow('Inloggen');
    expect(await title()).toContain('Wilt u het abonnement stoppen?');
    await expectAccessible(page);
    await press('Ja, stop het abonnement');
    expect(await told()).toHaveProperty('code');
  });

  it('says no, or cancels, and the app is told the same', async () => {
    await page.goto(addressOf({ state: 's' }));
    await follow('Annuleren');
    expect(await title()).toContain('Wilt u stoppen?');
    await expectAccessible(page);
    await press('Ja, terug naar mijn app');
    const cancelled = await told();

    await page.goto(addressOf({ state: 's' }));
    await follow('Inloggen');
    await press('Nee');
    expect(await told()).toEqual(cancelled);
    expect(cancelled).toEqual({
      error: 'access_denied',
      error_uri: `${url}/errors/access_denied`,
      iss: url,
      state: 's',
    });
  });

  it('is told why when it cannot be, and goes back by a button', async () => {
    front.availability.answer = false;
    await page.goto(addressOf({}));
    await follow('Inloggen');
    expect(await title()).toContain('U kunt dit abonnement niet nemen');
    await expectAccessible(page);
    await press('Terug naar mijn app');
    expect(await told()).toMatchObject({ error: 'access_denied' });
  });

  it('goes back by itself when the time is up, with nothing pressed', async () => {
    front.issuer.behaviour = { subject: 'nobody', redirect: { error: 'access_denied' } };
    await page.goto(addressOf({ state: 'late' }));
    await follow('Inloggen');
    expect(await title()).toContain('We weten niet wie u bent');
    await expectAccessible(page);
    // Two seconds before the end.
    front.service.world.clock.advance(1_798_000);
    try {
      await page.reload();
      expect(await told()).toMatchObject({ error: 'access_denied', state: 'late' });
    } finally {
      front.service.world.clock.advance(-1_798_000);
    }
  });

  it('stays in the window that the app opened, which the app can still see', async () => {
    await page.goto(clientUrl);
    const opening = visitor.waitForEvent('page');
    await page.evaluate(`window.opened = window.open(${JSON.stringify(addressOf({}))}, 'authorization')`);
    const opened = await opening;
    await opened.getByRole('link', { name: 'Inloggen' }).click();
    await opened.getByRole('button', { name: 'Nee' }).waitFor();
    expect(await page.evaluate('window.opened.closed')).toBe(false);
    await opened.close();
    await eventually(async () => expect(await page.evaluate('window.opened.closed')).toBe(true));
  });

  it('sees a page and no redirect when the request is technically wrong', async () => {
    await page.goto(addressOf({ client_id: 'unknown-client.example' }));
    expect(await title()).toContain('Er is een technische fout');
    await expectAccessible(page);
  });
});
