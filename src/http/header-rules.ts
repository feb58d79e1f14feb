import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Refused } from '../refusals';

/** Node keeps the first of these and forgets the others; a proxy before us may have looked at the last one. */
const givenOnce = new Set(['authorization', 'content-type', 'content-encoding', 'host']);

/** Refuses a request whose headers can be read in more than one way. */
export function registerHeaderRules(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', ({ raw }, _reply, done) => done(faultOf(raw)));
}

function faultOf({ rawHeaders, headers, httpVersion }: FastifyRequest['raw']): Refused | undefined {
  const seen = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    if (!givenOnce.has(name)) continue;
    if (seen.has(name)) return new Refused('malformed_request', `The header ${name} is given more than once.`);
    seen.add(name);
  }
  // RFC 9112 section 3.2. Node's own answer to it would have no body, and it takes HTTP/0.9 for a request like any other.
  if (headers.host === undefined && httpVersion !== '1.0') {
    return new Refused('malformed_request', 'The header host is missing.');
  }
  return undefined;
}
