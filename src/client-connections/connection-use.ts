import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { TLSSocket } from 'node:tls';
import type { ConnectionMetrics } from './connection.metrics';

/** Where undici says over which socket it writes a request. The whole process writes there; we look for our own sockets. */
const channel = 'undici:client:sendHeaders';

/** Knows which call goes over which socket, and whether that socket was used before. */
export class ConnectionUse {
  private readonly sockets = new WeakMap<object, { socket: TLSSocket; used: boolean }>();
  private readonly calls = new Map<string, TLSSocket | undefined>();

  constructor(private readonly metrics: ConnectionMetrics) {}

  start(): void {
    subscribe(channel, this.hear);
  }

  stop(): void {
    unsubscribe(channel, this.hear);
  }

  opened(socket: TLSSocket): void {
    this.sockets.set(socket, { socket, used: false });
  }

  /** From now on the socket of this call is known as soon as it has one. */
  follow(requestId: string): void {
    this.calls.set(requestId, undefined);
  }

  socketOf(requestId: string): TLSSocket | undefined {
    return this.calls.get(requestId);
  }

  forget(requestId: string): void {
    this.calls.delete(requestId);
  }

  private readonly hear = (message: unknown): void => {
    const { socket, headers } = message as { socket: object; headers: string };
    const known = this.sockets.get(socket);
    if (!known) return;
    this.metrics.called(known.used ? 'reused' : 'new');
    known.used = true;
    const requestId = /^medmij-request-id: (.*)\r$/m.exec(headers)?.[1];
    if (requestId !== undefined && this.calls.has(requestId)) this.calls.set(requestId, known.socket);
  };
}
