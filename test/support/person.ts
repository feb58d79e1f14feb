import { expect } from '@jest/globals';
import type { BrowserContext, Locator, Page } from 'playwright-core';
import type { TestBrowser } from './browser';

/** What a person is at the page of the sample client for. */
type Button = 'Ask my permission' | 'Change' | 'End';

/** A person with a browser of their own, at the page of the sample client and in the windows that it opens. */
export class Person {
  private constructor(
    readonly browser: BrowserContext,
    /** The page of the sample client. */
    readonly page: Page,
  ) {}

  static async arrive(browser: TestBrowser, clientUrl: string): Promise<Person> {
    const visitor = await browser.newVisitor();
    const page = await visitor.newPage();
    await page.goto(clientUrl);
    await expect(page.locator('#days-hint').textContent()).resolves.toMatch(/at most/);
    return new Person(visitor, page);
  }

  /** Presses a button that opens the window of the provider, and gives the window. */
  async openWindow(button: Button | Locator): Promise<Page> {
    const pressed = typeof button === 'string' ? this.page.getByRole('button', { name: button, exact: true }) : button;
    const [opened] = await Promise.all([this.page.waitForEvent('popup'), pressed.click()]);
    await opened.waitForURL(/\/oauth\/interaction/);
    return opened;
  }

  /** Asks for so many days, of what the page offers first unless named. */
  async ask(days: number, offer?: string): Promise<Page> {
    if (offer !== undefined) await this.page.getByLabel('Care provider and data').selectOption({ label: offer });
    await this.page.getByLabel('For how many days').fill(String(days));
    return this.openWindow('Ask my permission');
  }

  /** From the landing page past the issuer to what comes after it. */
  async signIn(window: Page, name: string): Promise<void> {
    await window.getByRole('link', { name: 'Inloggen' }).click();
    await window.getByRole('button', { name }).click();
    await window.waitForURL(/\/oauth\/interaction/);
  }

  /** Presses a button of the provider's page that leads back to the client. */
  async leave(window: Page, button: string | RegExp): Promise<void> {
    await window.getByRole('button', { name: button }).click();
    await window.waitForURL(/\/finished/);
  }

  /** Asks and says yes, and waits until the page shows it; gives the subscription. */
  async subscribe(name: string, days = 180, offer?: string): Promise<Locator> {
    const window = await this.ask(days, offer);
    await this.signIn(window, name);
    await this.leave(window, /^Ja/);
    await this.page.getByText('The subscription has begun.').waitFor();
    await window.close();
    return this.subscriptions().first();
  }

  subscriptions(): Locator {
    return this.page.locator('#subscriptions > li');
  }

  /** As they arrived, newest first. */
  notifications(): Locator {
    return this.page.locator('#notifications > li');
  }

  dialog(): Locator {
    return this.page.getByRole('dialog');
  }

  async choose(option: string): Promise<void> {
    await this.dialog().getByRole('button', { name: option, exact: true }).click();
  }

  close(): Promise<void> {
    return this.browser.close();
  }
}
