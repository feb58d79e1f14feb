import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';

/**
 * Knows on which connections of a server a request is being answered, and ends the others when the service stops. Node's own
 * notion of an idle connection leaves out those that have never sent a request (browsers open them in advance), and each
 * would hold up the shutdown for as long as a request may take to arrive.
 */
export class UnusedConnections {
  private readonly answering = new Map<Socket, number>();
  private isEnding = false;

  /** `connected`: the event that hands over a connection as its requests will name it; TLS has one of its own. */
  constructor(server: Server | TlsServer, connected: 'connection' | 'secureConnection') {
    server.on(connected, (socket: Socket) => this.opened(socket));
    server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => this.asked(socket, response));
  }

  /** Ends those that are not in use now, and from now on each one as soon as it is not in use any more. */
  end(): void {
    this.isEnding = true;
    for (const socket of this.answering.keys()) this.endIfUnused(socket);
  }

  private opened(socket: Socket): void {
    this.answering.set(socket, 0);
    socket.once('close', () => this.answering.delete(socket));
    this.endIfUnused(socket);
  }

  private asked(socket: Socket, response: ServerResponse): void {
    this.answering.set(socket, (this.answering.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const open = this.answering.get(socket);
      if (open === undefined) return;
      this.answering.set(socket, open - 1);
      this.endIfUnused(socket);
    });
  }

  private endIfUnused(socket: Socket): void {
    if (this.isEnding && this.answering.get(socket) === 0) socket.end();
  }
}
