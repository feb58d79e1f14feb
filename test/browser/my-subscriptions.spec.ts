import { createServer, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { createSampleIssuer } from '../../dev/sample-issuer/issuer';
import { samplePersons } from '../../src/persons';
import { authorizedRequest, ownAddress, TestService } from '../support/app';
import { expectAccessible, TestBrowser } from '../support/browser';
import { eventually } from '../support/eventually';
import { freePort } from '../../dev/ports';
import { accepted, isReady, itemOf, suspend } from '../journeys/walk';

const [anna, bram] = samplePersons.map(({ subject }) => subject);

describe('a person at the pages of one’s own', () => {
  let service: TestService;
  let issuer: Server;
  let browser: TestBrowser;
  let visitor: BrowserContext;
  let page: Page;
  let url: string;
  beforeAll(async () => {
    const address = await ownAddress();
    const issuerPort = await freePort();
    url = address.PUBLIC_URL;
    const issuerUrl = `http://localhost:${issuerPort}/issuer`;
    const answer = await createSampleIssuer({ url: issuerUrl, redirectUri: `${url}/sign-in/callback` });
    issuer = createServer(answer).listen(issuerPort, 'localhost');
    service = await TestService.start({ ...address, OIDC_ISSUER: issuerUrl });
    browser = await TestBrowser.launch();
    await isReady(service);
  });
  afterAll(async () => {
    await browser?.close();
    await service?.stop();
    issuer?.closeAllConnections();
    issuer?.close();
  });
  beforeEach(async () => {
    visitor = await browser.newVisitor({ javaScriptEnabled: true });
    page = await visitor.newPage();
  });
  afterEach(() => visitor?.close());

  /** From the offer to sign in to the page that was asked for. */
  async function signIn(person: string): Promise<void> {
    await page.getByRole('link', { name: 'Inloggen' }).click();
    await page.getByRole('button', { name: person }).click();
  }

  const press = (name: string) => page.getByRole('button', { name }).click();
  const follow = (name: string) => page.getByRole('link', { name }).first().click();
  const title = () => page.getByRole('heading', { level: 1 }).textContent();
  const subscribed = (subject: string, scope = 'subscribe~180/eenofanderezorgaanbieder~42') =>
    accepted(service, authorizedRequest({ subject, scope }));

  it('signs in, sees a subscription and ends it, after a statement that says what that means', async () => {
    const { subscription_id: id, position } = await subscribed(anna!);
    await itemOf(service, id, position);
    await page.goto(`${url}/my/subscriptions`);
    await expectAccessible(page);
    await page.getByRole('link', { name: 'Inloggen' }).click();
    expect(await page.textContent('body')).toContain('For development only');
    await expectAccessible(page);
    await press(anna!);

    await page.waitForURL(`${url}/my/subscriptions`);
    expect(await page.textContent('main')).toMatch(/eenofanderezorgaanbieder[\s\S]*Loopt/);
    await expectAccessible(page);
    await follow('Bekijken');
    expect(await title()).toContain('Dit abonnement loopt');
    await expectAccessible(page);
    await follow('Abonnement stoppen');
    expect(await title()).toContain('Wilt u dit abonnement stoppen?');
    await expectAccessible(page);
    await follow('Nee, niet stoppen');
    expect(await title()).toContain('Dit abonnement loopt');
    await follow('Abonnement stoppen');
    await press('Ja, stoppen');

    await page.waitForURL(`${url}/my/subscriptions/${id}`);
    expect(await title()).toContain('Dit abonnement is gestopt');
    await expectAccessible(page);
    expect((await itemOf(service, id)).end_reason).toBe('person');
    await eventually(() => expect(service.world.dvp.of(id).map(({ body }) => body.end_date)).toHaveLength(2));
    await follow('Terug naar mijn abonnementen');
    expect(await page.textContent('main')).toContain('Gestopt');
  });

  it('gives permission again for a suspended one, and stays in this window', async () => {
    const { subscription_id: id } = await subscribed(anna!);
    await suspend(service, id, 'operator');
    await page.goto(`${url}/errors/invalid_token`);
    await expectAccessible(page);
    await follow('Inloggen en mijn abonnementen bekijken');
    await signIn(anna!);
    expect(await page.textContent('main')).toContain('Tijdelijk stopgezet');
    await follow('Bekijken');
    await expectAccessible(page);
    await follow('Opnieuw toestemming geven');
    await expectAccessible(page);
    await press('Ja, ik geef toestemming');
    await page.waitForURL(`${url}/my/subscriptions/${id}`);
    expect(await title()).toContain('Dit abonnement loopt');
    expect(await page.textContent('main')).toContain('U mag dit venster sluiten');
    expect((await itemOf(service, id)).status).toBe('active');
  });

  it('goes on where it was after the session ended, and ends nothing without being signed in', async () => {
    const { subscription_id: id, position } = await subscribed(bram!);
    await itemOf(service, id, position);
    await page.goto(`${url}/my/subscriptions/${id}/end`);
    await signIn(bram!);
    expect(await title()).toContain('Wilt u dit abonnement stoppen?');
    service.world.clock.advance(16 * 60_000);
    await press('Ja, stoppen');
    expect(await title()).toContain('Log in om verder te gaan');
    expect((await itemOf(service, id)).status).toBe('active');
    await signIn(bram!);
    expect([await title(), page.url()]).toEqual([
      expect.stringContaining('Wilt u dit abonnement stoppen?'),
      `${url}/my/subscriptions/${id}/end`,
    ]);
    await press('Ja, stoppen');
    expect(await title()).toContain('Dit abonnement is gestopt');
  });

  it('is told when nobody can say who it is, and tries again', async () => {
    await page.goto(`${url}/my/subscriptions`);
    await signIn('Onbekend');
    expect(await page.textContent('main')).toContain('het inloggen is niet gelukt');
    await expectAccessible(page);
    await signIn(bram!);
    expect(await title()).toContain('Mijn abonnementen');
  });

  it('signs out, and is not known any more', async () => {
    await page.goto(`${url}/my/subscriptions`);
    await signIn(bram!);
    await press('Uitloggen');
    expect(await title()).toContain('U bent uitgelogd');
    await expectAccessible(page);
    await page.goto(`${url}/my/subscriptions`);
    expect(await title()).toContain('Log in om verder te gaan');
  });
});
