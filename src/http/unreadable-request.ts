import { randomUUID } from 'node:crypto';
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '../platform';
import { refusals, Refused } from '../refusals';
import { type ProblemFilter, problemHeaders } from './problem.filter';
import { idHeaders } from './request-ids';

/**
 * Answers what the HTTP parser refused, or did not get in time. There is no request yet, so the answer is written by hand, and
 * the connection ends: nobody can say where on it the next request would begin.
 */
export function answerUnreadable(
  error: NodeJS.ErrnoException,
  socket: Socket,
  filter: ProblemFilter,
  securityHeaders: Record<string, string>,
  log: Logger,
): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const ids = { requestId: randomUUID(), correlationId: randomUUID() };
  const refused = refusalOf(error);
  const { status } = refusals[refused.code];
  log.info({ status, code: error.code, request_id: ids.requestId }, 'request.unreadable');
  if (!socket.writable || hasAnswerBegun(socket)) {
    socket.destroy();
    return;
  }
  const body = filter.documentOf(refused);
  const headers = {
    ...problemHeaders(refused),
    ...idHeaders(ids),
    ...securityHeaders,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`, () => socket.destroy());
}

/** A slow request is answered as one to be sent again: it may as well have been we who were slow to read it. */
function refusalOf({ code }: NodeJS.ErrnoException): Refused {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Refused('unavailable', 'The request did not arrive in time.');
  if (code === 'HPE_HEADER_OVERFLOW') return new Refused('malformed_request', 'The headers are too large.');
  return new Refused('malformed_request', 'The request is not valid HTTP/1.1.');
}

/** Node's own question in its own handler: bytes in the middle of another answer would be read as part of it. */
function hasAnswerBegun(socket: Socket): boolean {
  return (socket as Socket & { _httpMessage?: ServerResponse })._httpMessage?.headersSent ?? false;
}
