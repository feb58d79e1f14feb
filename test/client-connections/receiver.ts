import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from 'node:tls';
import type { CertifiedKey } from '../../dev/certificates';

/** What arrived at a receiver. */
export interface ReceivedCall {
  head: string;
  body: string;
  /** Common name of the certificate that was shown. */
  sender: string | string[] | undefined;
  socket: TLSSocket;
}

export type Behaviour = (socket: TLSSocket, call: ReceivedCall) => void;

/** An answer as it goes over the wire. */
export const answer = (status: string, headers: Record<string, string> = {}, body = ''): string => {
  const all = {
    ...(status.startsWith('204') ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${body}`;
};

export const noContent: Behaviour = (socket) => void socket.write(answer('204 No Content'));

export interface ReceiverOptions {
  identity: CertifiedKey;
  trusted: CertifiedKey;
  behaviour?: Behaviour;
  tls?: TlsOptions;
}

/** A real TLS server that reads whole HTTP requests and then does to the bare socket whatever a test wants. */
export class Receiver {
  readonly calls: ReceivedCall[] = [];
  /** Of each finished handshake, whether it resumed an earlier session. */
  readonly handshakes: ('full' | 'resumed')[] = [];
  private readonly open = new Set<Socket>();
  private readonly server: Server;
  private behaviour: Behaviour;

  private constructor({ identity, trusted, behaviour = noContent, tls = {} }: ReceiverOptions) {
    this.behaviour = behaviour;
    const server = createTlsServer({
      cert: identity.certificate,
      key: identity.key,
      ca: trusted.certificate,
      requestCert: true,
      rejectUnauthorized: true,
      ...tls,
    });
    server.on('connection', (socket: Socket) => this.watch(socket));
    server.on('secureConnection', (socket) => {
      this.handshakes.push(socket.isSessionReused() ? 'resumed' : 'full');
      this.read(socket);
    });
    server.on('tlsClientError', () => undefined);
    this.server = server;
  }

  static async start(options: ReceiverOptions): Promise<Receiver> {
    const receiver = new Receiver(options);
    await listen(receiver.server);
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get openSockets(): number {
    return this.open.size;
  }

  behave(behaviour: Behaviour): void {
    this.behaviour = behaviour;
  }

  async stop(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await new Promise((done) => this.server.close(done));
  }

  private watch(socket: Socket): void {
    this.open.add(socket);
    socket.once('close', () => this.open.delete(socket));
    socket.on('error', () => undefined);
  }

  private read(socket: TLSSocket): void {
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (piece) => {
      text += piece.toString();
      for (;;) {
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = text.slice(0, end);
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (text.length < end + 4 + length) return;
        const body = text.slice(end + 4, end + 4 + length);
        text = text.slice(end + 4 + length);
        const call = { head, body, sender: socket.getPeerCertificate().subject?.CN, socket };
        this.calls.push(call);
        this.behaviour(socket, call);
      }
    });
  }
}

/** A TCP server that does what it likes with a connection on which TLS was expected. */
export class BareReceiver {
  private readonly open = new Set<Socket>();
  private readonly server: Server;

  private constructor(behaviour: (socket: Socket) => void) {
    this.server = createTcpServer((socket) => {
      this.open.add(socket);
      socket.once('close', () => this.open.delete(socket));
      socket.on('error', () => undefined);
      behaviour(socket);
    });
  }

  static async start(behaviour: (socket: Socket) => void): Promise<BareReceiver> {
    const receiver = new BareReceiver(behaviour);
    await listen(receiver.server);
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get openSockets(): number {
    return this.open.size;
  }

  async stop(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await new Promise((done) => this.server.close(done));
  }
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
}
