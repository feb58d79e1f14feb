import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { isReady, itemOf } from '../journeys/walk';
import { TestBrowser } from '../support/browser';
import { type ServiceAndClient, startServiceAndClient } from '../support/client-side';
import { eventually } from '../support/eventually';
import { Person } from '../support/person';
import { see } from '../support/screenshots';

const kort = 'Verzamelen Voorbeeldgegevens at aanbiederkort';
const ttlMs = 1_800_000;

describe('a person with an app in a browser', () => {
  let world: ServiceAndClient;
  let browser: TestBrowser;
  let person: Person;
  beforeAll(async () => {
    world = await startServiceAndClient();
    browser = await TestBrowser.launch();
    await isReady(world.service);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await world?.stop();
  });
  beforeEach(async () => {
    person = await Person.arrive(browser, world.clientUrl);
  });
  afterEach(() => person?.close());

  const newest = () => person.notifications().first().textContent();
  const idOf = async () => (await person.subscriptions().first().locator('.id').textContent())!;

  it('says yes: the subscription begins, and its notification shows by itself', async () => {
    const { page } = person;
    await see(page, 'begin');
    const window = await person.ask(180);
    await see(window, 'landing');
    await window.getByRole('link', { name: 'Inloggen' }).click();
    await see(window, 'issuer');
    await window.getByRole('button', { name: 'Anna Jansen' }).click();
    await window.waitForURL(/\/oauth\/interaction/);
    await see(window, 'consent');
    await person.leave(window, 'Ja, ik geef toestemming');
    await window.getByText('You may close this window').waitFor();
    expect(window.url()).not.toMatch(/code|state/);
    await see(window, 'finished');
    const closed = window.waitForEvent('close');
    // The window may be gone before it can say that it was clicked.
    await window
      .getByRole('button', { name: 'Close this window' })
      .click()
      .catch(() => undefined);
    await closed;

    await page.getByText('The subscription has begun.').waitFor();
    expect(await person.dialog().isVisible()).toBe(false);
    expect(await person.subscriptions().allTextContents()).toEqual([
      expect.stringMatching(/Active[\s\S]*eenofanderezorgaanbieder[\s\S]*Until/),
    ]);
    await eventually(async () => expect(await newest()).toMatch(/runs until/));
    await see(page, 'subscribed');
  });

  it('changes the number of days, and ends it: each after a statement of its own, each shown by itself', async () => {
    const subscription = await person.subscribe('Bram de Boer');
    const id = await idOf();
    const before = String((await itemOf(world.service, id)).end_date);
    await subscription.getByLabel('Days from today').fill('30');
    const changing = await person.openWindow('Change');
    await person.signIn(changing, 'Bram de Boer');
    expect(await changing.textContent('main')).toContain('De komende 30 dagen');
    await person.leave(changing, /^Ja/);
    await person.page.getByText('The subscription has changed.').waitFor();
    const { end_date: endDate } = await eventually(async () => {
      const item = await itemOf(world.service, id);
      expect(item.version).toBe(2);
      return item as { end_date: string };
    });
    expect(Date.parse(before) - Date.parse(endDate)).toBe(150 * 86_400_000);
    expect(await person.subscriptions().count()).toBe(1);
    await eventually(() => expect(world.client.received.newestFirst()[0]).toMatchObject({ end_date: endDate }));
    await changing.close();

    const ending = await person.openWindow('End');
    await person.signIn(ending, 'Bram de Boer');
    await see(ending, 'termination');
    await person.leave(ending, 'Ja, stop het abonnement');
    await person.page.getByText('The subscription has ended.').waitFor();
    expect(await subscription.textContent()).toMatch(/Ended[\s\S]*Ended on/);
    expect(await subscription.getByRole('button').count()).toBe(0);
    await eventually(async () => expect(await newest()).toMatch(/subscription ended on/));
    await see(person.page, 'ended');
    expect(await itemOf(world.service, id)).toMatchObject({ status: 'terminated', end_reason: 'person' });
  });

  it('is refused, says no or cancels: for the app it is all the same', async () => {
    const walks: Record<string, (window: Page) => Promise<void>> = {
      'says no': async (window) => {
        await person.signIn(window, 'Anna Jansen');
        await person.leave(window, 'Nee');
      },
      cancels: async (window) => {
        await window.getByRole('link', { name: 'Annuleren' }).click();
        await see(window, 'cancel');
        await person.leave(window, 'Ja, terug naar mijn app');
      },
      'is under 16': async (window) => {
        await person.signIn(window, 'Kind Visser');
        await see(window, 'under-16');
        expect(await window.textContent('main')).toContain('jonger dan 16');
        await person.leave(window, 'Terug naar mijn app');
      },
      'has no treatment relation': async (window) => {
        await person.signIn(window, 'Dirk Smit');
        await person.leave(window, 'Terug naar mijn app');
      },
      'cannot be identified': async (window) => {
        await person.signIn(window, 'Onbekend');
        await see(window, 'unknown-person');
        expect(await window.textContent('main')).toContain('weten niet wie u bent');
        await person.leave(window, 'Terug naar mijn app');
      },
    };
    const came: Record<string, { address: string; shown: string }> = {};
    for (const [name, walk] of Object.entries(walks)) {
      const window = await person.ask(180);
      const back = window.waitForRequest((request) => request.url().startsWith(`${world.clientUrl}callback`));
      await walk(window);
      const address = (await back).url().replace(/(?<=[?&]state=)[^&]+/, '');
      await person.dialog().waitFor();
      came[name] = { address, shown: (await person.dialog().textContent())! };
      if (name === 'says no') await see(person.page, 'refused');
      await window.close();
      await person.choose('Stop');
    }
    const [first, ...others] = Object.values(came);
    expect(first!.address).toContain('error=access_denied');
    expect(first!.shown).toMatch(/did not go on[\s\S]*not told why/);
    for (const other of others) expect(other).toEqual(first);
    expect(await person.subscriptions().count()).toBe(0);

    const window = await person.ask(180);
    await person.signIn(window, 'Onbekend');
    await person.leave(window, 'Terug naar mijn app');
    const [more] = await Promise.all([
      person.browser.waitForEvent('page'),
      person.dialog().getByRole('link', { name: 'More information' }).click(),
    ]);
    await more.waitForURL(`${world.serviceUrl}/errors/access_denied`);
    expect(await more.evaluate('window.opener')).toBeNull();
    await see(more, 'more-information');
    await window.close();
    const anew = await person.openWindow(person.dialog().getByRole('button', { name: 'Ask me anew' }));
    await person.signIn(anew, 'Anna Jansen');
    await person.leave(anew, /^Ja/);
    await person.page.getByText('The subscription has begun.').waitFor();
  });

  it('closes the window: is asked what that should mean, and tries again or cancels', async () => {
    const window = await person.ask(180);
    await see(person.page, 'waiting');
    await person.signIn(window, 'Anna Jansen');
    await window.close();
    await person.dialog().waitFor();
    expect(await person.dialog().textContent()).toMatch(/window was closed[\s\S]*has not begun[\s\S]*does not begin/);
    await see(person.page, 'closed');
    const again = await person.openWindow(person.dialog().getByRole('button', { name: 'Try again' }));
    await person.signIn(again, 'Anna Jansen');
    await person.leave(again, /^Ja/);
    await person.page.getByText('The subscription has begun.').waitFor();
    await again.close();
    expect(await person.subscriptions().count()).toBe(1);
  });

  it('has a browser that lets no window open: is told so, and tries again', async () => {
    await person.page.evaluate('window.reallyOpen = window.open; window.open = () => null');
    await person.page.getByRole('button', { name: 'Ask my permission' }).click();
    await person.dialog().waitFor();
    expect(await person.dialog().textContent()).toMatch(/did not open[\s\S]*Allow pop-up windows/);
    await person.page.evaluate('window.open = window.reallyOpen');
    const again = await person.openWindow(person.dialog().getByRole('button', { name: 'Try again' }));
    await again.close();
    await person.dialog().waitFor();
    await person.page.keyboard.press('Escape');
    await person.dialog().waitFor({ state: 'hidden' });
    expect(await person.subscriptions().count()).toBe(0);
  });

  it('cancels in the app while the window is open: an answer that still comes is not used', async () => {
    const window = await person.ask(7, kort);
    const address = window.url();
    await person.signIn(window, 'Bram de Boer');
    await person.page.getByRole('button', { name: 'Cancel' }).click();
    await person.dialog().waitFor();
    await person.choose('Cancel');
    expect(window.isClosed()).toBe(true);
    const late = await person.browser.newPage();
    await late.goto(address);
    await person.leave(late, /^Ja/);
    await late.getByText('Your answer was not used.').waitFor();
    await see(late, 'late-answer');
    await person.page.reload();
    await person.page.getByText('None yet.').waitFor();
  });

  it('asks for what is refused at once: the app says which request it was and where more stands', async () => {
    await person.page.getByLabel('For how many days').fill('9');
    await person.page.getByLabel('Care provider and data').selectOption({ label: kort });
    await person.page.getByLabel('For how many days').fill('8');
    const [window] = await Promise.all([
      person.page.waitForEvent('popup'),
      person.page.getByRole('button', { name: 'Ask my permission' }).click(),
    ]);
    await window.waitForURL(/\/finished/);
    await person.dialog().waitFor();
    expect(await person.dialog().textContent()).toMatch(/invalid_request/);
    expect(await person.dialog().getByRole('link').getAttribute('href')).toBe(
      `${world.serviceUrl}/errors/invalid_request`,
    );
  });

  it('has a suspended subscription, gives permission again where the error leads, and tries again', async () => {
    const subscription = await person.subscribe('Bram de Boer');
    const id = await idOf();
    const path = `/ops/api/subscriptions/${id}/suspend`;
    expect((await world.service.post(path, { reason_text: 'a walk' }, 'ops:write')).status).toBe(200);
    await subscription.getByRole('button', { name: 'Check' }).click();
    await person.dialog().waitFor();
    expect(await person.dialog().textContent()).toMatch(/invalid_token/);
    expect(await person.dialog().getByRole('button').allTextContents()).toEqual([
      'Try again',
      'Ask me anew',
      'Stop',
      'Stop and log out',
    ]);
    await see(person.page, 'suspended');
    const [more] = await Promise.all([
      person.browser.waitForEvent('page'),
      person.dialog().getByRole('link', { name: 'More information' }).click(),
    ]);
    await more.waitForURL(`${world.serviceUrl}/errors/invalid_token`);
    await more.getByRole('link', { name: 'Inloggen en mijn abonnementen bekijken' }).click();
    await more.getByRole('link', { name: 'Inloggen' }).click();
    await more.getByRole('button', { name: 'Bram de Boer' }).click();
    await more.waitForURL(`${world.serviceUrl}/my/subscriptions`);
    await eventually(async () => {
      await more.reload();
      expect(await more.textContent('main')).toContain('Tijdelijk stopgezet');
    });
    await more.goto(`${world.serviceUrl}/my/subscriptions/${id}`);
    await more.getByRole('link', { name: 'Opnieuw toestemming geven' }).click();
    await more.getByRole('button', { name: 'Ja, ik geef toestemming' }).click();
    await more.getByText('U mag dit venster sluiten').waitFor();
    await more.close();
    await person.choose('Try again');
    await person.page.getByText('The provider has answered how it stands.').waitFor();
    expect(await subscription.textContent()).toContain('Active');
    expect((await itemOf(world.service, id)).status).toBe('active');
  });

  it('ends it at the page of one’s own, to which the app leads: the app hears of it by itself', async () => {
    const subscription = await person.subscribe('Anna Jansen', 7, kort);
    const id = await idOf();
    const [own] = await Promise.all([
      person.browser.waitForEvent('page'),
      person.page.getByRole('link', { name: 'Manage subscriptions' }).click(),
    ]);
    await own.waitForURL(`${world.serviceUrl}/my/subscriptions`);
    await own.getByRole('link', { name: 'Inloggen' }).click();
    await own.getByRole('button', { name: 'Anna Jansen' }).click();
    await own.waitForURL(`${world.serviceUrl}/my/subscriptions`);
    await itemOf(world.service, id);
    await own.goto(`${world.serviceUrl}/my/subscriptions/${id}`);
    await see(own, 'my-subscription');
    await own.getByRole('link', { name: 'Abonnement stoppen' }).click();
    await own.getByRole('button', { name: 'Ja, stoppen' }).click();
    await own.getByRole('heading', { name: 'Dit abonnement is gestopt' }).waitFor();
    await eventually(async () => expect(await subscription.textContent()).toMatch(/Ended on/));
  });

  it('stops at an error and logs out of the app, which then knows nothing of this browser', async () => {
    await person.subscribe('Bram de Boer');
    const window = await person.ask(7, kort);
    await person.signIn(window, 'Bram de Boer');
    await person.leave(window, 'Nee');
    await person.dialog().waitFor();
    await person.choose('Stop and log out');
    await person.page.getByText('None yet.').waitFor();
  });

  it('waits too long: the page goes back to the app by itself, as after a no', async () => {
    const window = await person.ask(180);
    // As much is left as a crowded machine may need to load the page; then the page waits for its end by itself.
    const leftMs = 8_000;
    world.service.world.clock.advance(ttlMs - leftMs);
    try {
      await window.reload();
      await window.waitForURL(/\/finished/);
      await person.dialog().waitFor();
      expect(await person.dialog().textContent()).toMatch(/did not go on[\s\S]*not told why/);
    } finally {
      world.service.world.clock.advance(leftMs - ttlMs);
    }
  });
});
