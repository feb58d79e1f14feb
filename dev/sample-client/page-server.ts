import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { SampleIssuer } from '../sample-issuer/issuer';
import type { Authorizations } from './authorizations';
import { cookieOf, forgetCookie, isForThisMachine, isFromOwnPage, setCookie } from './browser';
import type { ClientApi } from './client-api';
import { pageFile } from './page-files';
import type { Received } from './received';
import { isJson, readBody } from './request-body';
import type { Visitor, Visitors } from './visitors';

/** No `Cross-Origin-Opener-Policy`: the page has to see when the window that it opened is closed. */
const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** Proxies and browsers give up on a silent connection. */
const keepAliveMs = 15_000;
/** For reading paths only. */
const origin = 'http://localhost';
const bodyLimitBytes = 4 * 1024;

export interface PageParts {
  readonly received: Received;
  readonly visitors: Visitors;
  readonly authorizations: Authorizations;
  readonly api: ClientApi;
  readonly issuer: SampleIssuer;
}

/** Where the issuer of the sample persons is mounted. */
export const issuerPath = '/issuer';

/** One request of a browser. */
interface Visit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  /** Undefined when the browser was not here before, or logged out. */
  readonly visitor: Visitor | undefined;
}

/**
 * The page, what its script asks for, where the authorization window comes back to, and what arrived, live; and the issuer of the
 * sample persons, below a path of its own.
 */
export function createPageServer(parts: PageParts): Server {
  return createServer((request, response) => {
    const isHere = isForThisMachine(request);
    if (isHere && request.url?.startsWith(`${issuerPath}/`)) return parts.issuer(request, response);
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    if (!isHere) return text(response, 403, 'Only for this machine.');
    if (!URL.canParse(request.url ?? '', origin)) return text(response, 404, 'There is nothing here.');
    const url = new URL(request.url ?? '', origin);
    const visit = { request, response, url, visitor: parts.visitors.of(cookieOf(request)) };
    answer(visit, parts).catch((error: Error) => {
      console.error(error.stack);
      if (response.headersSent) response.destroy();
      else text(response, 500, 'This is a fault of the sample client; its log says more.');
    });
  });
}

async function answer(visit: Visit, parts: PageParts): Promise<void> {
  const { request, response } = visit;
  if (request.method === 'GET' || request.method === 'HEAD') return read(visit, parts);
  if (request.method === 'POST') return write(visit, parts);
  text(response, 405, 'Only GET and POST.');
}

async function read(visit: Visit, parts: PageParts): Promise<void> {
  const { response, url, visitor } = visit;
  const file = pageFile(url.pathname);
  if (file) {
    if (file.isPage && !visitor) setCookie(response, parts.visitors.welcome());
    response.setHeader('content-type', file.type);
    response.end(file.content);
  } else if (url.pathname === '/notifications') json(response, 200, { items: parts.received.newestFirst() });
  else if (url.pathname === '/stream') stream(response, parts.received);
  else if (url.pathname === '/callback') await comeBack(visit, parts);
  else if (visitor && url.pathname.startsWith('/api/')) {
    const { status, body } = await parts.api.read(visitor, url.pathname);
    json(response, status, body);
  } else text(response, 404, 'There is nothing here.');
}

async function write({ request, response, url, visitor }: Visit, { api, visitors }: PageParts): Promise<void> {
  // Content of this type is sent by no form, and from another origin only after a question that nobody answers here.
  if (!isFromOwnPage(request) || !isJson(request)) return json(response, 403, { error: 'forbidden' });
  if (!visitor) return json(response, 401, { error: 'unknown_browser' });
  const body = await readBody(request, bodyLimitBytes);
  if (body === undefined) return json(response, 413, { error: 'payload_too_large' });
  if (url.pathname === '/api/log-out') {
    visitors.forget(cookieOf(request)!);
    forgetCookie(response);
    return json(response, 200, {});
  }
  const answered = await api.write(visitor, url.pathname, jsonIn(body));
  json(response, answered.status, answered.body);
}

/** The answer is used here and now; what the window then shows has an address without a code or a state in it. */
async function comeBack({ response, url, visitor }: Visit, { authorizations }: PageParts): Promise<void> {
  const authorization = visitor && (await authorizations.comeBack(visitor, url.searchParams));
  const location = authorization ? `/finished?authorization=${authorization.id}` : '/finished';
  response.writeHead(303, { location }).end();
}

function jsonIn(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function text(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(message);
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** Server-sent events: one message for each notification that arrives from now on. */
function stream(response: ServerResponse, received: Received): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(': connected\n\n');
  const stopListening = received.onAdded((item) => response.write(`data: ${JSON.stringify(item)}\n\n`));
  const beat = setInterval(() => response.write(': still here\n\n'), keepAliveMs);
  response.on('close', () => {
    stopListening();
    clearInterval(beat);
  });
}
