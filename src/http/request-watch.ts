import type { FastifyReply, FastifyRequest } from 'fastify';
import { Histogram, Registry } from 'prom-client';
import { type Logger, type TraceSpan, Tracing } from '../platform';

declare module 'fastify' {
  interface FastifyRequest {
    span: TraceSpan | undefined;
  }
}

/** Asked every few seconds by machines, and of no interest to anybody while it is well. */
const isRoutine = (route: string) => route.startsWith('/health') || route === '/metrics';

/** What is known of every request: one line in the log, its time in the metrics, a span where traces are kept. */
export class RequestWatch {
  private readonly durations: Histogram<'method' | 'route' | 'status'>;

  constructor(
    private readonly log: Logger,
    registry = new Registry(),
    private readonly tracing = Tracing.off,
  ) {
    this.durations = new Histogram({
      name: 'medmij_http_request_seconds',
      help: 'Requests by route as it is written in the code, and how long their answers took',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers: [registry],
    });
  }

  /** When its ids are known: from here on the request's own span is what causes things. */
  begin(request: FastifyRequest): void {
    const route = routeOf(request);
    if (!this.tracing.isOn || isRoutine(route)) return;
    const { ids, method } = request;
    request.span = this.tracing.begin({
      kind: 'request',
      name: `${method} ${route}`,
      parent: ids.traceparent,
      attributes: {
        'http.request.method': method,
        'http.route': route,
        'medmij.request_id': ids.requestId,
        'medmij.correlation_id': ids.correlationId,
      },
    });
    if (request.span) ids.traceparent = request.span.traceparent;
  }

  /** One line a request: the route as it is written in the code, never the address with what a caller put into it. */
  answered(request: FastifyRequest, reply: FastifyReply): void {
    const { method, ids, span } = request;
    const route = routeOf(request);
    const { statusCode: status, elapsedTime } = reply;
    this.log[isRoutine(route) ? 'debug' : 'info'](
      {
        method,
        route,
        status,
        duration_ms: Math.round(elapsedTime),
        request_id: ids?.requestId,
        correlation_id: ids?.correlationId,
        trace_id: span?.traceparent.split('-')[1],
      },
      'request.answered',
    );
    this.durations.observe({ method, route, status }, elapsedTime / 1_000);
    span?.end({ 'http.response.status_code': status }, status >= 500 ? 'failed' : 'well');
  }
}

function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? '(none)';
}
