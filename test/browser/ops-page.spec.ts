import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { freePort } from '../../dev/ports';
import { createSampleIssuer } from '../../dev/sample-issuer/issuer';
import { accepted, deliveriesOf, isReady, itemOf, scopeOf } from '../journeys/walk';
import { binary } from '../journeys/records';
import { authorizedRequest, ownAddress, somePerson, TestService } from '../support/app';
import { TestBrowser } from '../support/browser';
import { eventually } from '../support/eventually';
import { buildPages } from '../support/pages';
import { see } from '../support/screenshots';

describe('an operator at the operator page', () => {
  let service: TestService;
  let issuer: Server;
  let browser: TestBrowser;
  let visitor: BrowserContext;
  let page: Page;
  let url: string;
  let pagesFolder: string;
  /** What the browser asked of whom, and what it complained of. */
  const asked = new Set<string>();
  const complaints: string[] = [];
  beforeAll(async () => {
    const [address, issuerPort] = [await ownAddress(), await freePort()];
    pagesFolder = await buildPages();
    url = address.PUBLIC_URL;
    // Another site than localhost, as an issuer is in real life: a strict cookie must live with that.
    const issuerUrl = `http://127.0.0.1:${issuerPort}/issuer`;
    const answer = await createSampleIssuer({
      url: issuerUrl,
      redirectUri: `${url}/sign-in/callback`,
      operatorRedirectUri: `${url}/ops/sign-in/callback`,
    });
    issuer = createServer(answer).listen(issuerPort, '127.0.0.1');
    service = await TestService.start({ ...address, OPS_OIDC_ISSUER: issuerUrl }, { pagesFolder });
    browser = await TestBrowser.launch();
    await isReady(service);
  });
  afterAll(async () => {
    await browser?.close();
    await service?.stop();
    issuer?.closeAllConnections();
    issuer?.close();
    await rm(pagesFolder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    visitor = await browser.newVisitor();
    page = await visitor.newPage();
    page.on('request', (request) => asked.add(new URL(request.url()).origin));
    page.on('console', (message) => {
      // That nobody is signed in yet is a 401, which browsers log.
      if (message.type() === 'error' && !message.text().includes('401')) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
  });
  afterEach(() => visitor?.close());

  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
  const title = () => page.getByRole('heading', { level: 1 });
  const go = (part: string) => page.getByRole('navigation').getByRole('link', { name: part, exact: true }).click();
  const shows = (name: string) => title().filter({ hasText: name }).waitFor();
  async function signIn(who = 'Olga', to = '#/'): Promise<void> {
    await page.goto(`${url}/ops/${to}`);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: who }).click();
  }
  /** Answers the question that an order asks. */
  async function confirm(verb: string, reason?: string): Promise<void> {
    const dialog = page.getByRole('dialog');
    if (reason !== undefined) await dialog.getByLabel('Reason').fill(reason);
    await dialog.getByRole('button', { name: verb, exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
  }
  const audited = async () => (await service.get<{ items: object[] }>('/ops/api/audit')).body.items;

  it('signs in at another site, and sees at once what goes on', async () => {
    await page.goto(`${url}/ops/`);
    await page.getByRole('link', { name: 'Sign in' }).waitFor();
    await see(page, 'ops-sign-in');
    await signIn('Visitor');
    await page.getByText('you are no operator here').waitFor();
    await signIn();
    await page.getByText('Nothing needs you.').waitFor();
    await accepted(service);
    const figure = page.locator('.figures > div', { hasText: 'Active subscriptions' });
    await figure.getByText('1', { exact: true }).waitFor();
    await page.locator('.uplot canvas').first().waitFor();
    await button('As a table of Recorded').click();
    await page.getByRole('table', { name: 'Recorded, newest first' }).getByRole('row').nth(1).waitFor();
    await see(page, 'ops-overview');
  });

  it('finds a subscription, reads its life, and suspends and resumes it with a reason', async () => {
    const { subscription_id: id, position } = await accepted(service, {
      scope: scopeOf(90, 'anderezorgaanbieder', '43'),
    });
    await itemOf(service, id, position);
    await eventually(async () => expect((await deliveriesOf(service, id))[0]?.state).toBe('delivered'));
    await signIn();
    await go('Subscriptions');
    await shows('Subscriptions');
    await page.getByLabel('Provider').fill('anderezorgaanbieder');
    await page.getByLabel('Status').selectOption('active');
    await button('Filter').click();
    await page.waitForURL(/provider=anderezorgaanbieder/);
    await eventually(async () => expect(await page.locator('tbody tr').count()).toBe(1));
    await see(page, 'ops-subscriptions');
    await page.getByRole('link', { name: id }).click();
    await page.locator('.life .event', { hasText: 'started' }).waitFor();
    await page.locator('.life summary', { hasText: '1 try' }).click();
    await page.locator('.life td', { hasText: '204' }).waitFor();
    await see(page, 'ops-subscription');

    await button('Suspend').click();
    await see(page, 'ops-question');
    await confirm('Suspend', 'asked by the provider');
    await page.getByText('suspended by operator').waitFor();
    expect(await audited()).toContainEqual(
      expect.objectContaining({ who: 'olga', what: 'subscription.suspend', reason_text: 'asked by the provider' }),
    );
    await button('Resume').click();
    await confirm('Resume', 'asked again');
    await page.locator('.life .event', { hasText: 'resumed' }).waitFor();
    expect((await itemOf(service, id)).status).toBe('active');
  });

  it('sends dead deliveries again: one by one, and all since a moment after a dry run', async () => {
    const { dvp } = service.world;
    dvp.answerWith(404);
    const ids: string[] = [];
    for (let one = 0; one < 3; one += 1) ids.push((await accepted(service)).subscription_id);
    const stateOf = async (id: string) => (await deliveriesOf(service, id))[0]?.state;
    for (const id of ids) await eventually(async () => expect(await stateOf(id)).toBe('dead'));
    dvp.answer();
    await signIn();
    await page.getByText('3 deliveries are dead.').waitFor();
    await see(page, 'ops-needs');
    await page.getByRole('link', { name: 'Dead deliveries' }).click();
    await shows('Deliveries');
    await eventually(async () => expect(await page.locator('tbody tr').count()).toBe(3));
    await see(page, 'ops-deliveries');
    await page
      .getByRole('button', { name: /^Retry/ })
      .first()
      .click();
    await confirm('Retry');
    await eventually(async () => expect(await Promise.all(ids.map(stateOf))).toContain('delivered'));

    await page.getByText('Replay dead deliveries').click();
    await page.getByLabel('Planned since').fill('2020-01-01T00:00');
    await page.getByLabel('Reason').fill('the client is well again');
    await button('Dry run').click();
    await page.getByText('2 dead deliveries there; 2 go out again').waitFor();
    expect(await Promise.all(ids.map(stateOf))).toContain('dead');
    await see(page, 'ops-replay');
    await button('Replay 2 deliveries').click();
    await page.getByText('2 deliveries go out again.').waitFor();
    await eventually(async () => expect(await Promise.all(ids.map(stateOf))).toEqual(Array(3).fill('delivered')));
  });

  it('has a refused record judged anew', async () => {
    const subject = somePerson();
    const begin = authorizedRequest({ subject, authorized_at: new Date(Date.now() - 30_000).toISOString() });
    const end = authorizedRequest({ subject, scope: scopeOf(0) });
    await service.world.otherSide.send('medmij.authorizations.v1', binary(end));
    await signIn('Olga', '#/dead-letters');
    await shows('Dead letters');
    await eventually(async () => {
      await page.reload();
      await page.getByText('not subscribed', { exact: true }).waitFor({ timeout: 5_000 });
    });
    await see(page, 'ops-dead-letters');
    await accepted(service, begin);
    await page.getByRole('button', { name: /^Replay/ }).click();
    await confirm('Replay');
    await eventually(async () => {
      const { body } = await service.get<{ subscriptions: Record<string, number> }>('/ops/api/stats');
      expect(body.subscriptions.terminated).toBeGreaterThan(0);
    });
    await go('Parked streams');
    await page.getByText('No stream is parked.').waitFor();
    await see(page, 'ops-parked');
  });

  it('suspends a client as a whole, and resumes it after a look at its endpoints', async () => {
    await signIn();
    await go('Clients');
    await page.getByRole('link', { name: 'localhost', exact: true }).waitFor();
    await see(page, 'ops-clients');
    await page.getByRole('link', { name: 'localhost', exact: true }).click();
    await button('Suspend').click();
    await confirm('Suspend', 'it asked for it');
    await page.locator('.facts .state', { hasText: 'suspended' }).waitFor();
    await see(page, 'ops-client');
    await service.world.dvp.stop();
    await button('Resume').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('it says it is well');
    await dialog.getByRole('button', { name: 'Resume', exact: true }).click();
    await dialog.getByRole('alert').waitFor();
    await service.world.dvp.start();
    await dialog.getByRole('button', { name: 'Resume', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.locator('.facts .state', { hasText: 'active' }).waitFor();
  });

  it('looks at lists and projections, and builds one anew', async () => {
    await signIn();
    await go('Lists');
    await page.locator('tbody tr', { hasText: 'whitelist' }).getByText('fresh').waitFor();
    await see(page, 'ops-lists');
    await go('Projections');
    await button('Rebuild subscriptions').click();
    await confirm('Rebuild');
    await page.locator('.facts > div', { hasText: 'Live version' }).getByText('2', { exact: true }).waitFor();
    await button('Verify subscriptions').click();
    await confirm('Verify');
    await page.getByText(/rows? compared, all are right/).waitFor();
    await see(page, 'ops-projections');
  });

  it('reads who did what and why, and finds that nothing was lost', async () => {
    await signIn();
    await go('Audit');
    const line = page.locator('tbody tr', { hasText: 'client.resume' }).first();
    await line.getByText('it says it is well').waitFor();
    await see(page, 'ops-audit');
    await line.getByRole('link', { name: 'its conversation' }).click();
    await page.waitForURL(/correlation_id=/);
    await page.locator('tbody tr', { hasText: 'olga' }).first().waitFor();
    await go('Delivery report');
    await page.getByText('Everything that was planned is accounted for.').waitFor();
    await see(page, 'ops-report');
  });

  it('erases a person, sure of it and with a reason', async () => {
    const { subscription_id: id, position } = await accepted(service);
    const { person_id: person } = await itemOf(service, id, position);
    await signIn();
    await go('Erase a person');
    await page.getByRole('textbox', { name: 'Person id' }).fill(String(person));
    await page.getByLabel('Reason').fill('asked for in writing');
    await button('Erase').click();
    expect((await itemOf(service, id)).status).toBe('active');
    await page.getByLabel('Type erase').fill('erase');
    await button('Erase').click();
    await page.getByText('1 subscription ended.').waitFor();
    await eventually(async () => expect((await itemOf(service, id)).end_reason).toBe('erased'));
    await see(page, 'ops-erase');
  });

  it('does everything by keyboard, and leaves a question with Escape', async () => {
    await signIn('Olga', '#/clients/localhost');
    await button('Suspend').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Shift+Tab');
    await page.locator('h1').press('Tab');
    for (let presses = 0; presses < 5; presses += 1) {
      if (await button('Suspend').evaluate((element) => element === element.ownerDocument.activeElement)) break;
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    expect(
      await dialog.getByLabel('Reason').evaluate((element) => element === element.ownerDocument.activeElement),
    ).toBe(true);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await button('Suspend').evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
  });

  it('changes nothing when it may only read, and is signed out when it says so', async () => {
    await signIn('Rik', '#/clients/localhost');
    await page.locator('.facts .state', { hasText: 'active' }).waitFor();
    expect(await page.getByRole('button').allTextContents()).toEqual(['Sign out', 'Refresh']);
    await page.getByText('reads only').waitFor();
    await button('Sign out').click();
    await page.getByRole('link', { name: 'Sign in' }).waitFor();
    await page.reload();
    await page.getByRole('link', { name: 'Sign in' }).waitFor();
  });

  it('asked nobody but the service and its issuer, and the browser had nothing to complain of', () => {
    expect([...asked].sort()).toEqual([expect.stringMatching(/^http:\/\/127\.0\.0\.1:/), url].sort());
    expect(complaints.filter((text) => !/409|404/.test(text))).toEqual([]);
  });

  it('is served strictly', async () => {
    const answer = await service.send('GET', '/ops/', {});
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(answer.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(answer.text).not.toMatch(/<style|style=|<script(?![^>]*src=)/);
    const [script] = /assets\/main-[A-Z0-9]+\.js/.exec(answer.text)!;
    const part = await service.send('GET', `/ops/${script}`, {});
    expect([part.status, part.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
    expect((await service.send('GET', '/ops', {})).headers.get('location')).toBe('/ops/');
    for (const none of [
      '/ops/assets/index.html',
      '/ops/assets/..%2findex.html',
      '/ops/assets/main.js',
      '/ops/nothing',
    ]) {
      expect([none, (await service.send('GET', none, {})).status]).toEqual([none, 404]);
    }
  });
});
