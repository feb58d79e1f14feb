import type { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../platform';
import { Refused } from '../refusals';
import { registerHeaderRules } from './header-rules';
import { type HttpLimits, limits } from './limits';
import { type AnswerInPage, ProblemFilter } from './problem.filter';
import { bodyBytesMax, registerBodies } from './request-body';
import { identify, registerRequestIds } from './request-ids';
import { RequestWatch } from './request-watch';
import { RouteTable } from './route-table';
import { answerUnreadable } from './unreadable-request';
import { UnusedConnections } from './unused-connections';

const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

/** The one page made by a library: its scripts and images are ours, its styles stand in it. */
const apiDocsPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** Nest would put a handler of its own in the place of ours, which brings every error to the same filter by a longer way. */
class EdgeAdapter extends FastifyAdapter {
  override setErrorHandler(): FastifyInstance {
    return this.getInstance<FastifyInstance>();
  }
}

/** The HTTP edge: limits, ids, headers and problem documents (or pages), before any route is known. */
export function createHttpEdge(
  publicUrl: string,
  log: Logger,
  answerInPage?: AnswerInPage,
  watch = new RequestWatch(log),
  {
    requestsInFlightMax,
    connectionsMax,
    headersTimeoutMs,
    requestTimeoutMs,
    timeoutsCheckedEveryMs,
    keepAliveTimeoutMs,
  }: HttpLimits = limits,
): { adapter: FastifyAdapter; filter: ProblemFilter } {
  const routes = new RouteTable();
  const filter = new ProblemFilter(publicUrl, routes, log, answerInPage);
  const headers = {
    ...securityHeaders,
    ...(publicUrl.startsWith('https:') && { 'strict-transport-security': 'max-age=31536000' }),
  };
  const adapter = new EdgeAdapter({
    allowErrorHandlerOverride: false,
    bodyLimit: bodyBytesMax,
    http: {
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: timeoutsCheckedEveryMs,
      requireHostHeader: false, // checked in header-rules.ts
    },
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    // A path is what it says: no merging of slashes, no ignored case.
    routerOptions: { ignoreTrailingSlash: false, caseSensitive: true, maxParamLength: 300 },
    forceCloseConnections: 'idle',
    return503OnClosing: false, // refuseWhileClosing answers, as a problem document
    trustProxy: false,
    genReqId: () => '',
    clientErrorHandler: (error: NodeJS.ErrnoException, socket: Socket) =>
      answerUnreadable(error, socket, filter, headers, log),
    // Paths that cannot be decoded: the router asks here, and no hook is run.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      const fault = identify(request, reply);
      void reply.headers(headers);
      filter.answer(fault ?? error, request, reply);
      watch.answered(request, reply);
    },
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  fastify.server.maxConnections = connectionsMax;
  routes.watch(fastify);
  fastify.setErrorHandler((error, request, reply) => filter.answer(error, request, reply));
  registerRequestIds(fastify);
  fastify.decorateRequest('span', undefined);
  fastify.addHook('onRequest', (request, _reply, done) => {
    watch.begin(request);
    done();
  });
  registerHeaderRules(fastify);
  registerBodies(fastify);
  limitRequestsInFlight(fastify, requestsInFlightMax);
  refuseWhileClosing(fastify);
  fastify.addHook('onSend', (request, reply, payload, done) => {
    if (request.routeOptions.url?.startsWith('/api-docs')) void reply.header('content-security-policy', apiDocsPolicy);
    for (const [name, value] of Object.entries(headers)) if (!reply.hasHeader(name)) void reply.header(name, value);
    done(null, payload);
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    watch.answered(request, reply);
    done();
  });
  return { adapter, filter };
}

function limitRequestsInFlight(fastify: FastifyInstance, requestsInFlightMax: number): void {
  let inFlight = 0;
  fastify.addHook('onRequest', (request, reply, done) => {
    inFlight += 1;
    reply.raw.once('close', () => (inFlight -= 1));
    // Health must be seen to be alive above all when there is much to do.
    const isTooMuch = inFlight > requestsInFlightMax && !request.url.startsWith('/health/');
    done(isTooMuch ? new Refused('unavailable', 'Too many requests are being answered already.') : undefined);
  });
}

/** What still arrives on a connection while the last answers go out belongs to another process. */
function refuseWhileClosing(fastify: FastifyInstance): void {
  let isClosing = false;
  const unused = new UnusedConnections(fastify.server, 'connection');
  fastify.addHook('preClose', (done) => {
    isClosing = true;
    unused.end();
    done();
  });
  // A connection that is kept would hold up the shutdown until it has been idle long enough.
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    if (isClosing) void reply.header('connection', 'close');
    done(null, payload);
  });
  fastify.addHook('onRequest', (_request, _reply, done) => {
    done(isClosing ? new Refused('unavailable', 'The process is shutting down.') : undefined);
  });
}
