import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isTraceId, isTraceparent } from '../platform';
import { Refused } from '../refusals';

/** The ids of a request (contract.md 3): as sent, or made here. */
export interface RequestIds {
  requestId: string;
  correlationId: string;
  /** W3C trace context, when it was sent and well formed. */
  traceparent?: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    ids: RequestIds;
  }
}

/** Takes the two ids from every request or makes them, and echoes them on the answer. */
export function registerRequestIds(fastify: FastifyInstance): void {
  fastify.decorateRequest('ids', undefined as unknown as RequestIds);
  fastify.addHook('onRequest', (request, reply, done) => done(identify(request, reply)));
}

/** Gives a request its ids; what is wrong with those it sent comes back as a refusal. */
export function identify(request: FastifyRequest, reply: FastifyReply): Refused | undefined {
  const requestId = headerOf(request, 'medmij-request-id');
  const correlationId = headerOf(request, 'x-correlation-id');
  const traceparent = headerOf(request, 'traceparent');
  request.ids = {
    requestId: isTraceId(requestId) ? requestId : randomUUID(),
    correlationId: isTraceId(correlationId) ? correlationId : randomUUID(),
    ...(isTraceparent(traceparent) && { traceparent }),
  };
  void reply.headers(idHeaders(request.ids));
  const isWrong = [requestId, correlationId].some((id) => id !== undefined && !isTraceId(id));
  return isWrong
    ? new Refused('malformed_request', 'MedMij-Request-ID or X-Correlation-ID is not 1 to 128 visible characters.')
    : undefined;
}

/** The two ids as every answer carries them. */
export function idHeaders({ requestId, correlationId }: RequestIds): Record<string, string> {
  return { 'medmij-request-id': requestId, 'x-correlation-id': correlationId };
}

/** What caused an event: the ids of this request. */
export function traceOf({ ids }: FastifyRequest) {
  const { requestId, correlationId, traceparent } = ids;
  return { correlation_id: correlationId, causation_id: requestId, ...(traceparent !== undefined && { traceparent }) };
}

/** A header given twice arrives joined by a comma and a space, and is refused by the pattern. */
function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
