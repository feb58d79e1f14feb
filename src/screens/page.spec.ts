import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { createHttpEdge } from '../http';
import { createLogger } from '../platform';
import { BrowserCookies } from './browser-cookie';
import { FormTokens } from './form-tokens';
import { heading, paragraph } from './blocks';
import { type Page, sendPage } from './page';

const words = (text: string) => ({ nl: text, en: text });

/** A small service whose `GET /` does what the test wants. */
class World {
  handle: (reply: FastifyReply) => unknown = () => undefined;
  readonly fastify: FastifyInstance;
  readonly cookies: BrowserCookies;
  readonly tokens: FormTokens;

  constructor(isSecure: boolean) {
    const log = createLogger('info', { write: () => undefined });
    const url = `${isSecure ? 'https' : 'http'}://subscriptions.example`;
    this.fastify = createHttpEdge(url, log).adapter.getInstance<FastifyInstance>();
    this.cookies = new BrowserCookies(isSecure);
    this.tokens = new FormTokens(this.cookies);
    this.fastify.get('/', async (_request, reply) => this.handle(reply));
  }

  async ask(cookie?: string) {
    const answer = await this.fastify.inject({ url: '/', headers: cookie === undefined ? {} : { cookie } });
    return { ...answer, cookies: [answer.headers['set-cookie'] ?? []].flat() };
  }
}

describe('a page', () => {
  const world = new World(true);
  afterAll(() => world.fastify.close());
  const page = (given: Partial<Page> = {}) => {
    world.handle = (reply) => sendPage(reply, { title: words('Titel'), body: [heading(words('Titel'))], ...given });
    return world.ask();
  };

  it('runs nothing, is kept and framed nowhere, and stays in the window it was opened in', async () => {
    const { statusCode, headers } = await page();
    expect(statusCode).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      'cross-origin-opener-policy': 'unsafe-none',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    expect(headers).not.toHaveProperty('refresh');
  });

  it('names the origin that the redirect after its form may lead to, and the moment it goes on by itself', async () => {
    const { headers } = await page({
      formAction: ['https://app.example', 'http://localhost:3010'],
      goesOn: { afterS: 59.2, to: 'https://app.example/back?state=a b' },
    });
    expect(headers['content-security-policy']).toContain(
      "; form-action 'self' https://app.example http://localhost:3010; ",
    );
    expect(headers.refresh).toBe('60;url=https://app.example/back?state=a%20b');
  });

  it.each(['https://app.example/', "https://a;script-src'self'", 'https://a b', '*', 'https://a,b'])(
    'is not sent with %j in its policy',
    async (origin) => {
      const answer = await page({ formAction: [origin] });
      expect(answer.statusCode).toBe(500);
    },
  );

  it('is Dutch, with every English part marked as such', async () => {
    const body = [heading({ nl: 'Een <kop>', en: 'A <heading>' }), paragraph({ nl: 'Ja.', en: 'Yes.' })];
    const { body: text } = await page({ title: { nl: 'Een <kop>', en: 'A <heading>' }, body });
    const plain = text.replace(/\s+/g, ' ');
    expect(plain).toContain('<html lang="nl">');
    expect(plain).toContain('<title>Een &lt;kop&gt; / A &lt;heading&gt;</title>');
    expect(plain).toContain('<span>Een &lt;kop&gt;</span> <span lang="en">A &lt;heading&gt;</span>');
    expect(plain).toContain('<p>Ja.</p> <p lang="en">Yes.</p>');
  });
});

describe.each([
  ['https', true, /^__Host-browser=([A-Za-z0-9_-]{43}); Path=\/; HttpOnly; SameSite=Lax; Secure$/],
  ['http', false, /^browser=([A-Za-z0-9_-]{43}); Path=\/; HttpOnly; SameSite=Lax$/],
])('a form over %s', (_, isSecure, cookieForm) => {
  const world = new World(isSecure);
  let cookie: string;
  let token: string;
  beforeAll(async () => {
    world.handle = (reply) => ({ token: world.tokens.issue(reply, '/do'), other: world.tokens.issue(reply, '/other') });
    const answer = await world.ask();
    expect(answer.cookies).toEqual([expect.stringMatching(cookieForm)]);
    cookie = answer.cookies[0]!.split(';')[0]!;
    token = answer.json<{ token: string }>().token;
    expect(answer.json<{ other: string }>().other).not.toBe(token);
    expect(token).not.toContain(cookieForm.exec(answer.cookies[0]!)![1]!);
  });
  afterAll(() => world.fastify.close());

  const check = async (given: string | undefined, from: string | undefined, action = '/do') => {
    world.handle = ({ request }) => {
      world.tokens.check(request, action, given);
      return 'taken';
    };
    return (await world.ask(from)).statusCode;
  };

  it('is taken from the browser it was shown to, which keeps its cookie', async () => {
    expect(await check(token, cookie)).toBe(200);
    expect(await check(token, `x=y; ${cookie}; ${cookie}`)).toBe(200);
    world.handle = (reply) => ({ token: world.tokens.issue(reply, '/do') });
    const again = await world.ask(cookie);
    expect([again.cookies, again.json()]).toEqual([[], { token }]);
  });

  it('is not taken from another browser, for another action, changed, or without token', async () => {
    const name = cookie.split('=')[0];
    const other = `${name}=${'a'.repeat(43)}`;
    expect(await check(token, undefined)).toBe(403);
    expect(await check(token, other)).toBe(403);
    expect(await check(token, `${cookie}; ${other}`)).toBe(403);
    expect(await check(token, `x${cookie}`)).toBe(403);
    expect(await check(token, cookie, '/other')).toBe(403);
    expect(await check(token.slice(0, -2), cookie)).toBe(403);
    expect(await check('', cookie)).toBe(403);
    expect(await check(undefined, cookie)).toBe(403);
  });

  it('has the browser forget a cookie in time, where it is told when', async () => {
    world.handle = (reply) => {
      world.cookies.set(reply, 'session', 'v'.repeat(43), 3_600);
      return 'kept';
    };
    const { cookies } = await world.ask();
    expect(cookies).toEqual([
      expect.stringMatching(/session=v{43}; Path=\/; HttpOnly; SameSite=Lax(; Secure)?; Max-Age=3600$/),
    ]);
  });

  it('gives a browser with a cookie that is none of ours another one', async () => {
    world.handle = (reply) => ({ token: world.tokens.issue(reply, '/do') });
    for (const odd of ['', 'short', 'a b'.repeat(20), 'é'.repeat(43), 'a'.repeat(200)]) {
      const { cookies } = await world.ask(`${cookie.split('=')[0]}=${odd}`);
      expect(cookies).toEqual([expect.stringMatching(cookieForm)]);
    }
  });
});
