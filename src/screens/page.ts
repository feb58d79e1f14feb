import type { FastifyReply } from 'fastify';
import { type Html, html } from './html';
import { pageStylePath } from './page-style';
import { inline, type Words } from './words';

export interface Page {
  /** 200 when left out. */
  status?: number;
  title: Words;
  /** Begins with the `heading` block. */
  body: readonly Html[];
  /**
   * Origins besides our own that may follow when a form of this page is sent: Chromium applies `form-action` to the redirect
   * after it too (domain.md 10). Only what was checked belongs here.
   */
  formAction?: readonly string[];
  /** The browser goes on by itself after so many seconds; the page says so in words. */
  goesOn?: { afterS: number; to: string };
}

/** Scheme, host and port, and nothing that would mean something in a policy: a `;` may stand in a host name by the URL standard. */
const plainOrigin = /^https?:\/\/[a-z0-9.-]+(:[0-9]{1,5})?$/;

/**
 * Answers with a page: nothing of it is kept, framed, or told to where its links lead, and it runs no script.
 * @throws Error when an origin of `formAction` is none
 */
export async function sendPage(reply: FastifyReply, { status = 200, title, body, formAction = [], goesOn }: Page) {
  if (!formAction.every((origin) => plainOrigin.test(origin))) throw new Error('A form action must be a plain origin.');
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    `form-action ${["'self'", ...formAction].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ];
  if (goesOn) void reply.header('refresh', `${Math.ceil(goesOn.afterS)};url=${new URL(goesOn.to).href}`);
  await reply
    .status(status)
    .headers({
      'content-security-policy': policy.join('; '),
      // A page in a window of a client must stay in its group of windows, or the client takes it for closed (domain.md 10).
      'cross-origin-opener-policy': 'unsafe-none',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
    })
    .type('text/html; charset=utf-8')
    .send(document(title, body).toString());
}

const serviceName: Words = { nl: 'Abonnementen op gezondheidsgegevens', en: 'Subscriptions to health data' };

function document(title: Words, body: readonly Html[]): Html {
  return html`<!doctype html>
    <html lang="nl">
      <head>
        <meta charset="utf-8" />
        <title>${title.nl} / ${title.en}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="stylesheet" href="${pageStylePath}" />
      </head>
      <body>
        <header>${inline(serviceName)}</header>
        <main>${body}</main>
      </body>
    </html>`;
}
