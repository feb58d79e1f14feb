import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { SampleIssuer } from '../sample-issuer/issuer';
import type { Received } from './received';

const pageFolder = join(__dirname, 'page');
const files: Record<string, { file: string; type: string }> = {
  '/': { file: 'index.html', type: 'text/html; charset=utf-8' },
  '/page.css': { file: 'page.css', type: 'text/css; charset=utf-8' },
  '/page.js': { file: 'page.js', type: 'text/javascript; charset=utf-8' },
};

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

/** Where the issuer of the sample persons is mounted. */
export const issuerPath = '/issuer';

/** A page that shows what arrived, and the same as JSON; and the issuer of the sample persons, below a path of its own. */
export function createPageServer(received: Received, issuer: SampleIssuer): Server {
  return createServer((request, response) => {
    if (isLocal(request) && request.url?.startsWith(`${issuerPath}/`)) return issuer(request, response);
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    if (!isLocal(request)) return text(response, 403, 'Only for this machine.');
    if (request.method !== 'GET' && request.method !== 'HEAD') return text(response, 405, 'Only GET.');
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const page = files[pathname];
    if (page) {
      response.setHeader('content-type', page.type);
      response.end(readFileSync(join(pageFolder, page.file)));
    } else if (pathname === '/notifications') {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ items: received.newestFirst() }));
    } else if (pathname === '/stream') stream(response, received);
    else text(response, 404, 'There is nothing here.');
  });
}

/** A page elsewhere that makes its own host name point here must not read what arrived. */
function isLocal(request: IncomingMessage): boolean {
  const host = request.headers.host ?? '';
  return (
    URL.canParse(`http://${host}`) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(`http://${host}`).hostname)
  );
}

function text(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(message);
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
