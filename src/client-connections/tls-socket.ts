import { connect, type TLSSocket } from 'node:tls';
import type { ClientIdentity } from './client-identity';
import { ConnectionFault } from './connection-failure';
import type { Target } from './host-address';

export interface TlsWish {
  target: Target;
  /** The name that the certificate must be for. */
  serverName: string;
  identity: ClientIdentity;
  /** A session of an earlier connection to the same name under the same identity: spares the server's certificate and ours. */
  session?: Buffer;
  /** False only to look at a certificate that may be wrong: nothing is sent over such a socket. */
  mustBeTrusted: boolean;
  timeoutMs: number;
}

/** Of a connection nobody reads from, the other side's death is noticed after this long. */
const keepAliveProbeMs = 60_000;

/**
 * One TLS connection to a client, HTTP/1.1 in its negotiation, ready for use. `opening` gets the socket before anything is
 * sent, so that it can be ended from outside.
 * @throws ConnectionFault `timeout`, or the error of the connection or of the handshake
 */
export function openTlsSocket(wish: TlsWish, opening: (socket: TLSSocket) => void): Promise<TLSSocket> {
  const { target, serverName, identity, session, mustBeTrusted, timeoutMs } = wish;
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...target,
      servername: serverName,
      secureContext: identity.context,
      ...(session && { session }),
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: mustBeTrusted,
    });
    socket.setNoDelay(true).setKeepAlive(true, keepAliveProbeMs);
    opening(socket);
    const timer = setTimeout(
      () => socket.destroy(new ConnectionFault('timeout', 'The connection was not ready in time.')),
      timeoutMs,
    );
    const closedTooSoon = () => {
      clearTimeout(timer);
      reject(new ConnectionFault('ECONNRESET', 'The connection was closed before it was ready.'));
    };
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      socket.off('close', closedTooSoon);
      resolve(socket);
    });
    // Stays on the socket: what goes wrong between two calls has no other listener, and would end the process.
    socket.on('error', reject);
    socket.once('close', closedTooSoon);
  });
}
