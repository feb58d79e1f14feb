import type { Dispatcher } from 'undici';
import type { Answer } from './answer';
import { ConnectionFault, failureCode } from './connection-failure';
import { budgetMs, type OriginPool } from './origin-pool.client';

/** Bytes of an answer that are looked at; the rest is not read. */
const bodyBytesMax = 4_096;
/** An answer whose status has said it all is waited for this long, so that its connection can be used again. */
const bodyGraceMs = 1_000;

export interface CallOptions {
  path: string;
  body: string;
  /** Unique: by it the socket of the call is found. */
  requestId: string;
  correlationId: string;
}

/**
 * One POST within `budgetMs`, from waiting for a connection to the last byte looked at. What is given up is given up by ending its
 * socket: undici's own abort would connect anew for a request that nobody waits for any more.
 */
export async function call(pool: OriginPool, options: CallOptions, startedMs: number): Promise<Answer> {
  const { path, body, requestId, correlationId } = options;
  const { use } = pool;
  const notYetSent = new AbortController();
  let late = false;
  const timer = setTimeout(
    () => {
      late = true;
      use.socketOf(requestId)?.destroy(new ConnectionFault('timeout', 'The call took too long.'));
      // Where it has a socket this comes too late to matter.
      setImmediate(() => notYetSent.abort());
    },
    Math.max(0, budgetMs - (performance.now() - startedMs)),
  );
  use.follow(requestId);
  try {
    const response = await pool.request({
      path,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        'medmij-request-id': requestId,
        'x-correlation-id': correlationId,
      },
      body,
      signal: notYetSent.signal,
    });
    const retryAfter = response.headers['retry-after'];
    return {
      kind: 'answered',
      status: response.statusCode,
      ...(typeof retryAfter === 'string' && { retryAfter }),
      body: await meaningfulBody(response, () => use.socketOf(requestId)?.destroy()),
    };
  } catch (error) {
    return { kind: 'failed', error: late ? 'timeout' : failureCode(error) };
  } finally {
    clearTimeout(timer);
    use.forget(requestId);
  }
}

/** Only of a 400 the body says more than the status (domain.md 6): of every other answer it cannot undo what was answered. */
async function meaningfulBody({ statusCode, body }: Dispatcher.ResponseData, endSocket: () => void): Promise<string> {
  if (statusCode === 400) return firstBytes(body, endSocket);
  const grace = setTimeout(endSocket, bodyGraceMs);
  // Too large, too late or broken off: that takes its connection with it, and nothing else.
  await firstBytes(body, endSocket).catch(() => undefined);
  clearTimeout(grace);
  return '';
}

/** Reads up to the limit; of a longer body the rest is not read, and its connection is of no use any more. */
function firstBytes(body: Dispatcher.ResponseData['body'], endSocket: () => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let size = 0;
    const text = () => Buffer.concat(pieces).subarray(0, bodyBytesMax).toString('utf8');
    body.on('data', (piece: Buffer) => {
      if (size >= bodyBytesMax) return;
      pieces.push(piece);
      size += piece.length;
      if (size < bodyBytesMax) return;
      resolve(text());
      endSocket();
    });
    body.once('end', () => resolve(text()));
    body.once('error', reject);
    body.once('close', () => reject(new ConnectionFault('ECONNRESET', 'The answer broke off.')));
  });
}
