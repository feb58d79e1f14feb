import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refused } from '../refusals';
import type { BrowserCookies } from './browser-cookie';

const cookie = 'browser';

/**
 * Knows a browser again, and that a form it sends is one that we showed to it (CSRF): the token in the form is made from a
 * secret that only this browser's cookie holds and no page of another origin can read.
 */
export class FormTokens {
  /** What a browser without the cookie is given with the answer under way; a page may hold several forms. */
  private readonly given = new WeakMap<FastifyRequest, string>();

  constructor(private readonly cookies: BrowserCookies) {}

  /** The secret of the browser that asked, by which it can be known again; undefined when it has none. */
  browserOf(request: FastifyRequest): string | undefined {
    return this.cookies.read(request, cookie);
  }

  /** The same, given to it with this answer when it has none yet. */
  knowBrowser(reply: FastifyReply): string {
    const { request } = reply;
    const known = this.browserOf(request) ?? this.given.get(request);
    if (known !== undefined) return known;
    const secret = randomBytes(32).toString('base64url');
    this.given.set(request, secret);
    this.cookies.set(reply, cookie, secret);
    return secret;
  }

  /** The token for a form of this page that is sent to `action`. */
  issue(reply: FastifyReply, action: string): string {
    return tokenOf(this.knowBrowser(reply), action).toString('base64url');
  }

  /** @throws Refused `forbidden` when this browser was not shown a form for `action` */
  check(request: FastifyRequest, action: string, token: string | undefined): void {
    const browser = this.browserOf(request);
    const given = Buffer.from(token ?? '', 'base64url');
    const expected = tokenOf(browser ?? '', action);
    if (browser !== undefined && given.length === expected.length && timingSafeEqual(given, expected)) return;
    throw new Refused('forbidden', 'The form was not shown to this browser by us.');
  }
}

function tokenOf(browser: string, action: string): Buffer {
  return createHmac('sha256', browser).update(`form ${action}`).digest();
}
