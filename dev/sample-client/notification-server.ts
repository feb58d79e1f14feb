import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { readNotification, type NotificationType } from './notification';
import type { Received } from './received';
import { isJson, readBody } from './request-body';

export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Who may have signed the certificate of a caller. */
  readonly ca: Buffer;
}

/** The endpoints in the sample client list, each followed by /Notification. */
const endpoints: Record<string, NotificationType> = {
  '/subscriptions/Notification': 'subscription',
  '/resources/Notification': 'resource',
};

const bodyLimitBytes = 64 * 1024;

/** The two notification endpoints of a DVP, over mutual TLS: without a certificate of a known authority no request gets in. */
export function createNotificationServer(tls: TlsMaterial, received: Received): Server {
  const options = { ...tls, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2' } as const;
  return createServer(options, (request, response) => {
    answer(request, received).then(
      ({ status, error }) => reply(response, status, error),
      () => reply(response, 500, 'server_error'),
    );
  });
}

async function answer(request: IncomingMessage, received: Received): Promise<{ status: number; error?: string }> {
  const type = endpoints[request.url ?? ''];
  if (!type) return { status: 404, error: 'not_found' };
  if (request.method !== 'POST') return { status: 405, error: 'method_not_allowed' };
  if (!isJson(request)) return { status: 415, error: 'unsupported_media_type' };
  const body = await readBody(request, bodyLimitBytes);
  if (body === undefined) return { status: 413, error: 'payload_too_large' };
  const reading = readNotification(body, type);
  if ('error' in reading) return { status: 400, error: reading.error };
  received.add({
    ...reading.notification,
    received_at: new Date().toISOString(),
    request_id: header(request, 'medmij-request-id'),
    correlation_id: header(request, 'x-correlation-id'),
  });
  return { status: 204 };
}

function reply(response: ServerResponse, status: number, error?: string): void {
  if (error === undefined) response.writeHead(status).end();
  else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
}

const header = (request: IncomingMessage, name: string): string | null => {
  const value = request.headers[name];
  return typeof value === 'string' ? value : null;
};
