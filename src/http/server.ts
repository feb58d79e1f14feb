import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { Logger } from '../platform';
import { Refused } from '../refusals';
import { bodyBytesMax, registerJsonBody } from './json-body';
import { ProblemFilter } from './problem.filter';
import { registerRequestIds } from './request-ids';
import { RouteTable } from './route-table';

/** Requests being answered at once; one more is told to come back. */
const requestsInFlightMax = 1_000;
const requestTimeoutMs = 30_000;

const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

/** The HTTP edge: limits, ids, headers and problem documents, before any route is known. */
export function createHttpEdge(publicUrl: string, log: Logger): { adapter: FastifyAdapter; filter: ProblemFilter } {
  const adapter = new FastifyAdapter({
    bodyLimit: bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    maxParamLength: 300,
    // A path is what it says: no merging of slashes, no ignored case.
    routerOptions: { ignoreTrailingSlash: false, caseSensitive: true },
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    trustProxy: false,
    genReqId: () => '',
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  const routes = new RouteTable();
  const filter = new ProblemFilter(publicUrl, routes, log);
  routes.watch(fastify);
  fastify.setErrorHandler((error, request, reply) => filter.answer(error, request, reply));
  registerRequestIds(fastify);
  registerJsonBody(fastify);
  limitRequestsInFlight(fastify);
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    for (const [name, value] of Object.entries(securityHeaders))
      if (!reply.hasHeader(name)) void reply.header(name, value);
    done(null, payload);
  });
  logRequests(fastify, log);
  return { adapter, filter };
}

function limitRequestsInFlight(fastify: FastifyInstance): void {
  let inFlight = 0;
  fastify.addHook('onRequest', (request, reply, done) => {
    inFlight += 1;
    reply.raw.once('close', () => (inFlight -= 1));
    // Health must be seen to be alive above all when there is much to do.
    const isTooMuch = inFlight > requestsInFlightMax && !request.url.startsWith('/health/');
    done(isTooMuch ? new Refused('unavailable', 'Too many requests are being answered already.') : undefined);
  });
}

/** One line a request: the route as it is written in the code, never the address with what a caller put into it. */
function logRequests(fastify: FastifyInstance, log: Logger): void {
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? '(none)';
    const level = route.startsWith('/health') || route === '/metrics' ? 'debug' : 'info';
    log[level](
      {
        method: request.method,
        route,
        status: reply.statusCode,
        duration_ms: Math.round(reply.elapsedTime),
        request_id: request.ids?.requestId,
        correlation_id: request.ids?.correlationId,
      },
      'request.answered',
    );
    done();
  });
}
