import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { BrowserContext, Page } from 'playwright-core';
import { createHttpEdge } from '../../src/http';
import { createLogger } from '../../src/platform';
import * as screens from '../../src/screens';
import { PageStyleController } from '../../src/screens/page-style.controller';
import { expectAccessible, TestBrowser } from '../support/browser';

const { BrowserCookies, FormTokens, cards, facts, form, heading, notice, paragraph, points, sendPage } = screens;
const words = (text: string) => ({ nl: `${text} in het Nederlands`, en: `${text} in English` });

/** A page with every block on it, as the rooms with pages make theirs. */
function everything(reply: FastifyReply, tokens: screens.FormTokens, formAction: string[] = []) {
  const look = ['first', 'second', 'danger'] as const;
  return sendPage(reply, {
    title: words('Titel'),
    formAction,
    body: [
      heading(words('Titel')),
      paragraph(words('Een zin')),
      notice('warning', words('Pas op')),
      notice('information', words('Let op')),
      points([words('Een'), words('Twee')]),
      facts([
        { term: words('Naam'), value: '<b>naam</b>' },
        { term: words('Woord'), value: words('Woord') },
      ]),
      cards([[screens.html`<h2>Kaart</h2>`, screens.wayTo('/elsewhere', words('Verder'), 'second')]]),
      form({
        action: '/send',
        token: tokens.issue(reply, '/send'),
        fields: { thing: '"1"' },
        buttons: look.map((kind) => ({ label: words(kind), name: 'choice', value: kind, look: kind })),
      }),
    ],
  });
}

describe('the pages of the service in a browser', () => {
  let fastify: FastifyInstance;
  let baseUrl: string;
  let browser: TestBrowser;
  let visitor: BrowserContext;
  let page: Page;
  let elsewhere: FastifyInstance;
  let elsewhereUrl: string;
  const tokens = new FormTokens(new BrowserCookies(false));
  const sent: unknown[] = [];
  beforeAll(async () => {
    const log = createLogger('info', { write: () => undefined });
    const edge = (origin: string) => createHttpEdge(origin, log).adapter.getInstance<FastifyInstance>();
    [fastify, elsewhere] = [edge('http://localhost'), edge('http://localhost')];
    const sheets = new PageStyleController();
    fastify.get<{ Params: { file: string } }>('/screens/:file', async ({ params }, reply) =>
      sheets.sheet(params.file, {}, reply),
    );
    fastify.get('/', async (_request, reply) => everything(reply, tokens));
    fastify.get('/named', async (_request, reply) => everything(reply, tokens, [elsewhereUrl]));
    fastify.post('/send', { config: { kind: { body: 'form' } } }, async (request, reply) => {
      const body = request.body as Record<string, string>;
      tokens.check(request, '/send', body.form_token);
      sent.push(body);
      return reply.redirect(`${elsewhereUrl}/arrived`, 303);
    });
    fastify.get('/bad', async (_request, reply) =>
      reply.type('text/html').send('<!doctype html><p>No title, no language</p><img src="/x"><button></button>'),
    );
    elsewhere.get('/arrived', async (_request, reply) =>
      reply.type('text/html').header('content-security-policy', '').send('<title>Arrived</title>'),
    );
    baseUrl = (await fastify.listen({ port: 0, host: '127.0.0.1' })).replace('127.0.0.1', 'localhost');
    elsewhereUrl = await elsewhere.listen({ port: 0, host: '127.0.0.1' });
    browser = await TestBrowser.launch();
    visitor = await browser.newVisitor({ javaScriptEnabled: true });
    page = await visitor.newPage();
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([fastify.close(), elsewhere.close()]);
  });

  it('hold to WCAG 2.2 AA with everything that can stand on them, in light and dark, on a phone and beside another window', async () => {
    await page.goto(baseUrl);
    await expectAccessible(page);
    for (const pressable of await page.locator('button, a').all()) {
      const box = (await pressable.boundingBox())!;
      expect(Math.min(box.height, box.width)).toBeGreaterThanOrEqual(44);
    }
  });

  it('show where the keyboard is', async () => {
    await page.goto(baseUrl);
    for (const name of ['Verder', 'first']) {
      await page.keyboard.press('Tab');
      const focused = page.locator(':focus');
      expect(await focused.textContent()).toContain(name);
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    }
  });

  it('are checked by something that sees what is wrong', async () => {
    await page.goto(`${baseUrl}/bad`);
    await expect(expectAccessible(page)).rejects.toThrow(/html-has-lang[\s\S]*image-alt/);
  });

  it('send their form, and go on to an origin that they name', async () => {
    await page.goto(`${baseUrl}/named`);
    await page.getByRole('button', { name: 'danger in het Nederlands' }).press('Enter');
    await page.waitForURL(`${elsewhereUrl}/arrived`);
    expect(sent).toEqual([{ thing: '"1"', choice: 'danger', form_token: expect.any(String) }]);
  });

  it('go nowhere else after their form', async () => {
    await page.goto(baseUrl);
    const refused = page.waitForEvent('console', (message) => message.text().includes('form-action'));
    await page.getByRole('button', { name: 'danger' }).click();
    await refused;
    expect(page.url()).toBe(`${baseUrl}/`);
  });

  it('take no form from another site', async () => {
    const before = sent.length;
    await page.goto(`${elsewhereUrl}/arrived`);
    const answered = page.waitForResponse(`${baseUrl}/send`);
    await page
      .evaluate(
        `
      document.body.innerHTML = '<form method="post" action="${baseUrl}/send"><input name="choice" value="first"></form>';
      document.forms[0].submit();
    `,
      )
      .catch(() => undefined);
    expect((await answered).status()).toBe(403);
    expect(sent).toHaveLength(before);
  });
});
