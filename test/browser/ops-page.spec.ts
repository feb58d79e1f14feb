import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { freePort } from '../../dev/ports';
import { createSampleIssuer } from '../../dev/sample-issuer/issuer';
import { authorizationRequest, queryOf } from '../authorization/stepwise-visitor';
import { binary } from '../journeys/records';
import { accepted, deliveriesOf, historyOf, isReady, itemOf, rowsOf, scopeOf } from '../journeys/walk';
import { authorizedRequest, ownAddress, somePerson, TestService } from '../support/app';
import { TestBrowser } from '../support/browser';
import { eventually } from '../support/eventually';
import { buildPages } from '../support/pages';
import { picture, see } from '../support/screenshots';

describe('an operator at the operator page', () => {
  let service: TestService;
  let issuer: Server;
  let browser: TestBrowser;
  /** The browser of an operator who has signed in in the first test. */
  let olga: BrowserContext;
  let page: Page;
  let url: string;
  let pagesFolder: string;
  /** What the browser asked of whom, and what it complained of. */
  const asked = new Set<string>();
  const complaints: string[] = [];
  beforeAll(async () => {
    const [address, issuerPort] = [await ownAddress(), await freePort()];
    url = address.PUBLIC_URL;
    // Another site than localhost, as an issuer is in real life: a strict cookie must live with that.
    const issuerUrl = `http://127.0.0.1:${issuerPort}/issuer`;
    const answer = await createSampleIssuer({
      url: issuerUrl,
      redirectUri: `${url}/sign-in/callback`,
      operatorRedirectUri: `${url}/ops/sign-in/callback`,
    });
    issuer = createServer(answer).listen(issuerPort, '127.0.0.1');
    [pagesFolder, browser] = await Promise.all([buildPages(), TestBrowser.launch()]);
    service = await TestService.start({ ...address, OPS_OIDC_ISSUER: issuerUrl }, { pagesFolder });
    olga = await browser.newVisitor();
    await isReady(service);
  });
  afterAll(async () => {
    await browser?.close();
    await service?.stop();
    issuer?.closeAllConnections();
    issuer?.close();
    await rm(pagesFolder, { recursive: true, force: true });
  });
  afterEach(() => page?.close());

  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
  const title = () => page.getByRole('heading', { level: 1 });
  const go = (part: string) => page.getByRole('navigation').getByRole('link', { name: part, exact: true }).click();
  const shows = (name: string) => title().filter({ hasText: name }).waitFor();
  /** A page of its own, in the browser of one who is signed in unless another one is given. */
  async function open(to: string, visitor = olga, prepare?: () => Promise<void>): Promise<void> {
    page = await visitor.newPage();
    await prepare?.();
    page.on('request', (request) => asked.add(new URL(request.url()).origin));
    page.on('console', (message) => {
      // That nobody is signed in yet is a 401, which browsers log.
      if (message.type() === 'error' && !message.text().includes('401')) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`${url}/ops/${to}`);
  }
  async function signIn(who: string): Promise<void> {
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
    await open('');
    await page.getByRole('link', { name: 'Sign in' }).waitFor();
    await see(page, 'ops-sign-in');
    await signIn('Visitor');
    await page.getByText('you are no operator here').waitFor();
    await signIn('Olga');
    await page.getByText('Nothing needs you.').waitFor();
    await accepted(service);
    const figure = page.locator('.figures > div', { hasText: 'Active subscriptions' });
    await figure.getByText('1', { exact: true }).waitFor();
    await page.locator('.uplot canvas').first().waitFor();
    await button('As a table of Recorded').click();
    await page.getByRole('table', { name: 'Recorded, newest first' }).getByRole('row').nth(1).waitFor();
    await see(page, 'ops-overview');
    await page.setViewportSize({ width: 390, height: 800 });
    const parts = page.getByRole('navigation').getByRole('link');
    expect(await parts.count()).toBe(0);
    await button('All parts').click();
    await go('Lists');
    await shows('Lists');
    expect(await parts.count()).toBe(0);
  });

  it('finds a subscription, reads its life, and suspends and resumes it with a reason', async () => {
    const { subscription_id: id, position } = await accepted(service, {
      scope: scopeOf(90, 'anderezorgaanbieder', '43'),
    });
    await itemOf(service, id, position);
    await eventually(async () => expect((await deliveriesOf(service, id))[0]?.state).toBe('delivered'));
    await open('#/subscriptions');
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
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('complaint of 999990019');
    await dialog.getByRole('button', { name: 'Suspend', exact: true }).click();
    await dialog.getByText('reason_text: must not hold a number that could be a BSN').waitFor();
    await confirm('Suspend', 'asked by the provider');
    await page.getByText('suspended by operator').waitFor();
    expect(await audited()).toContainEqual(
      expect.objectContaining({ who: 'olga', what: 'subscription.suspend', reason_text: 'asked by the provider' }),
    );
    await button('Resume').click();
    await confirm('Resume', 'asked again');
    await page.locator('.life .event', { hasText: 'resumed' }).waitFor();
    expect((await itemOf(service, id)).status).toBe('active');

    const [begun, suspended] = await historyOf(service, id);
    const yesterday = new Date(Date.parse(begun!.occurred_at) - 86_400_000).toISOString().slice(0, 19);
    await page.getByLabel('How it stood at').fill(yesterday);
    await button('Look').click();
    await shows('Subscription in the past');
    await page.getByText('It had not begun yet.').waitFor();
    await page.goto(`${url}/ops/#/subscriptions?provider=anderezorgaanbieder&at=${suspended!.occurred_at}`);
    await page.getByText('Subscriptions as they stood at').waitFor();
    await page.locator('tbody tr', { hasText: id }).getByText('suspended').waitFor();
    await picture(page, 'ops-subscriptions-past');
    await page.getByRole('link', { name: id }).click();
    await page.locator('.facts .state', { hasText: 'suspended' }).waitFor();
    await page.locator('.life .event', { hasText: 'suspended' }).waitFor();
    expect(await page.locator('.life .event', { hasText: 'resumed' }).count()).toBe(0);
    expect(await page.getByRole('button').allTextContents()).toEqual(['Sign out', 'Look']);
    await see(page, 'ops-subscription-past');
    await page.getByRole('link', { name: 'Back to now' }).click();
    await page.locator('.life .event', { hasText: 'resumed' }).waitFor();
    await go('Subscriptions');
    await page.getByLabel('As of').fill(yesterday);
    await button('Filter').click();
    await page.getByText('No subscription was like that then.').waitFor();
  });

  it('sends dead deliveries again: one by one, and all since a moment after a dry run', async () => {
    const { dvp } = service.world;
    dvp.answerWith(404);
    const ids: string[] = [];
    for (let one = 0; one < 3; one += 1) ids.push((await accepted(service)).subscription_id);
    const stateOf = async (id: string) => (await deliveriesOf(service, id))[0]?.state;
    for (const id of ids) await eventually(async () => expect(await stateOf(id)).toBe('dead'));
    dvp.answer();
    await open('');
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
    await page.getByText('2 dead deliveries found, 2 would go out again').waitFor();
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
    await eventually(async () =>
      expect((await service.get<{ items: object[] }>('/ops/api/dead-letters')).body.items).toHaveLength(1),
    );
    await open('#/dead-letters');
    await shows('Dead letters');
    await page.getByText('not subscribed', { exact: true }).waitFor();
    await see(page, 'ops-dead-letters');
    await accepted(service, begin);
    await page.getByRole('button', { name: /^Replay/ }).click();
    await confirm('Replay');
    await eventually(async () => {
      const { body } = await service.get<{ subscriptions: Record<string, number> }>('/ops/api/stats');
      expect(body.subscriptions.terminated).toBeGreaterThan(0);
    });
  });

  it('has a parked stream tried again, once what it stumbled over is mended', async () => {
    const { subscription_id: id, position } = await accepted(service);
    await itemOf(service, id, position);
    const [streamId] = id.split('.');
    // What no code of ours would make, put where it would have put it.
    await rowsOf(
      service,
      `select append_events(log.name, null, null, null, null, stream_id, version, null, null, null, null, array[gen_random_uuid()],
         array['nl.medmij.subscription.resumed.v99'], array[data::text], metadata, occurred_at)
       from (select stream_id, version, data || '{"reason":"operator"}' as data, metadata, occurred_at
             from event where stream_id = $1) begun, log`,
      [streamId],
    );
    await open('');
    await page.getByText('2 streams are parked').waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Parked streams' }).click();
    await page.getByText('resumed.v99 is not known here').first().waitFor();
    await see(page, 'ops-parked');
    await rowsOf(
      service,
      `update event set type = 'nl.medmij.subscription.resumed.v1' where stream_id = $1 and version = 2`,
      [streamId],
    );
    for (let parked = 2; parked > 0; parked -= 1) {
      await page
        .getByRole('button', { name: /^Replay/ })
        .first()
        .click();
      await confirm('Replay');
    }
    await eventually(async () =>
      expect((await service.get<{ items: object[] }>('/ops/api/parked')).body.items).toEqual([]),
    );
    await button('Refresh').click();
    await page.getByText('No stream is parked.').waitFor();
    expect((await itemOf(service, id)).version).toBe(2);
  });

  it('sees who was asked for consent and never finished', async () => {
    const query = queryOf(authorizationRequest());
    expect((await service.send('GET', `/oauth/authorize?${query}`, {})).status).toBeLessThan(400);
    await rowsOf(service, 'update interaction set expires_at = created_at');
    await open('#/interactions');
    await page.getByLabel('State').selectOption('abandoned');
    await button('Filter').click();
    await page.waitForURL(/state=abandoned/);
    await page.locator('tbody tr').getByText('abandoned').waitFor();
    await see(page, 'ops-interactions');
  });

  it('suspends a client as a whole, and resumes it after a look at its endpoints', async () => {
    await open('#/clients');
    await page.getByRole('link', { name: 'localhost', exact: true }).waitFor();
    await see(page, 'ops-clients');
    await page.getByRole('link', { name: 'localhost', exact: true }).click();
    await page.getByRole('table', { name: 'How its endpoints answer' }).getByText('closed').first().waitFor();
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
    await open('#/lists');
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
    await open('#/audit');
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
    await open('#/erase');
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
    await open('#/clients/localhost');
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

  it('says what does not work, and goes on when it does', async () => {
    await open('');
    await page.getByText('live', { exact: true }).waitFor();
    const problem = { title: 'Not available.', detail: 'The database does not answer.' };
    await page.route('**/ops/api/lists', (route) =>
      route.fulfill({ status: 503, headers: { 'x-correlation-id': 'c-1' }, json: problem }),
    );
    await go('Lists');
    await page.getByRole('alert').getByText('The database does not answer. Correlation id c-1.').waitFor();
    await see(page, 'ops-failure');
    await page.unroute('**/ops/api/lists');
    await button('Try again').click();
    await page.locator('tbody tr', { hasText: 'whitelist' }).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('says that it hears nothing any more, and listens again by itself', async () => {
    const stream = '**/ops/api/stream';
    await open('', olga, async () => {
      await page.clock.install();
      await page.route(stream, (route) => route.abort());
    });
    await page.getByText('Waiting for the first figures').waitFor();
    await page.clock.fastForward(15_000);
    await page.getByText('The service is not heard').waitFor();
    await picture(page, 'ops-unheard');
    await page.unroute(stream);
    await page.clock.fastForward(15_000);
    await page.getByText('live', { exact: true }).waitFor();
  });

  it('changes nothing when it may only read, is told when its session is over, and leaves when it says so', async () => {
    const rik = await browser.newVisitor();
    await open('#/clients/localhost', rik);
    await signIn('Rik');
    await page.locator('.facts .state', { hasText: 'active' }).waitFor();
    expect(await page.getByRole('button').allTextContents()).toEqual(['Sign out', 'Refresh']);
    await page.getByText('reads only').waitFor();
    await rik.clearCookies();
    await button('Refresh').click();
    await page.getByText('Your session is over.').waitFor();
    await picture(page, 'ops-session-over');
    await signIn('Rik');
    await page.waitForURL(/#\/clients\/localhost/);
    await button('Sign out').click();
    await page.getByRole('link', { name: 'Sign in' }).waitFor();
    await page.reload();
    await page.getByRole('link', { name: 'Sign in' }).waitFor();
    await rik.close();
  });

  it('asked nobody but the service and its issuer, and the browser had nothing to complain of', () => {
    expect([...asked].sort()).toEqual([expect.stringMatching(/^http:\/\/127\.0\.0\.1:/), url].sort());
    expect(complaints.filter((text) => !/400|404|409|503|ERR_FAILED/.test(text))).toEqual([]);
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
