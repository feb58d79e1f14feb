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

/** One POST within `budgetMs`, from waiting for a connection to the last byte looked at. Never throws. */
export function call(pool: OriginPool, options: CallOptions): Promise<Answer> {
  return new Promise((resolve) => new Exchange(pool, options.requestId, resolve).begin(options));
}

/**
 * A request and its answer as undici tells of them: without its streams and signals, which took a tenth of a notification's
 * time. What is given up is given up by ending its socket, for undici's own abort connects anew for a request that nobody
 * waits for any more.
 */
class Exchange implements Dispatcher.DispatchHandler {
  private status?: number;
  private retryAfter?: string;
  private readonly pieces: Buffer[] = [];
  private size = 0;
  private timer?: NodeJS.Timeout;
  private grace?: NodeJS.Timeout;
  private isLate = false;
  private isOver = false;

  constructor(
    private readonly pool: OriginPool,
    private readonly requestId: string,
    private readonly resolve: (answer: Answer) => void,
  ) {}

  begin({ path, body, requestId, correlationId }: CallOptions): void {
    this.timer = setTimeout(() => this.giveUp(), budgetMs);
    this.pool.use.follow(requestId);
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      'medmij-request-id': requestId,
      'x-correlation-id': correlationId,
    };
    try {
      this.pool.dispatch({ path, method: 'POST', headers, body }, this);
    } catch (error) {
      this.fail(error);
    }
  }

  /** A socket is there. What has been given up meanwhile is not sent, and the socket ends: its host did not answer others. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.isOver) controller.abort(new ConnectionFault('timeout', 'Nobody waits for the answer any more.'));
  }

  onResponseStart(_: unknown, status: number, headers: Record<string, string | string[] | undefined>): void {
    if (status < 200) return;
    this.status = status;
    const retryAfter = headers['retry-after'];
    if (typeof retryAfter === 'string') this.retryAfter = retryAfter;
    if (!this.bodyMatters) this.grace = setTimeout(() => this.endSocket(), bodyGraceMs);
  }

  onResponseData(_: unknown, piece: Buffer): void {
    if (this.isOver) return;
    this.size += piece.length;
    if (this.bodyMatters) this.pieces.push(piece);
    if (this.size < bodyBytesMax) return;
    // Of a longer body the rest is not read, and its connection is of no use any more.
    this.endSocket();
    this.answer();
  }

  onResponseEnd(): void {
    this.answer();
  }

  onResponseError(_: unknown, error: Error): void {
    // What comes after a status that has said it all takes its connection with it, and nothing else.
    if (this.status !== undefined && !this.bodyMatters) this.answer();
    else this.fail(error);
  }

  /** Only of a 400 the body says more than the status (domain.md 6): of every other answer it cannot undo what was answered. */
  private get bodyMatters(): boolean {
    return this.status === 400;
  }

  private giveUp(): void {
    this.isLate = true;
    const fault = new ConnectionFault('timeout', 'The call took too long.');
    if (!this.endSocket(fault)) this.fail(fault);
  }

  /** @returns whether there was one; then undici says that the request has failed. */
  private endSocket(fault?: ConnectionFault): boolean {
    const socket = this.pool.use.socketOf(this.requestId);
    socket?.destroy(fault);
    return socket !== undefined;
  }

  private answer(): void {
    this.end({
      kind: 'answered',
      status: this.status!,
      ...(this.retryAfter !== undefined && { retryAfter: this.retryAfter }),
      body: Buffer.concat(this.pieces).subarray(0, bodyBytesMax).toString('utf8'),
    });
  }

  private fail(error: unknown): void {
    this.end({ kind: 'failed', error: this.isLate ? 'timeout' : failureCode(error) });
  }

  private end(answer: Answer): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.timer);
    clearTimeout(this.grace);
    this.pool.use.forget(this.requestId);
    this.resolve(answer);
  }
}
