import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/**
 * Ends the connections on which no request is being answered when the service stops. Node's own notion of an idle connection
 * leaves out those that have never sent a request (browsers open them in advance), and each would hold up the shutdown for as
 * long as a request may take to arrive.
 */
export function endUnusedConnections(fastify: FastifyInstance): void {
  const answering = new Map<Socket, number>();
  let isClosing = false;
  const endIfUnused = (socket: Socket) => {
    if (isClosing && answering.get(socket) === 0) socket.end();
  };
  fastify.server.on('connection', (socket: Socket) => {
    answering.set(socket, 0);
    socket.once('close', () => answering.delete(socket));
    endIfUnused(socket);
  });
  fastify.server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    answering.set(socket, (answering.get(socket) ?? 0) + 1);
    response.once('close', () => {
      if (!answering.has(socket)) return;
      answering.set(socket, answering.get(socket)! - 1);
      endIfUnused(socket);
    });
  });
  fastify.addHook('preClose', (done) => {
    isClosing = true;
    for (const socket of answering.keys()) endIfUnused(socket);
    done();
  });
}
