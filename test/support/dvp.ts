import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CertifiedKey } from '../../dev/certificates';

export interface ReceivedNotification {
  path: string;
  headers: IncomingMessage['headers'];
  body: Record<string, unknown>;
  /** Common name of the certificate that the sender showed. */
  sender: string | undefined;
}

export type Answering = (notification: ReceivedNotification, response: ServerResponse) => void;

const accept: Answering = (_notification, response) => void response.writeHead(204).end();

/** A real HTTPS server that plays the client (DVP): keeps what it receives and answers as it is told. */
export class Dvp {
  readonly received: ReceivedNotification[] = [];
  private server?: Server;
  private answering: Answering = accept;
  private listeningPort = 0;

  constructor(
    private identity: CertifiedKey,
    private readonly trusted: CertifiedKey,
  ) {}

  get port(): number {
    return this.listeningPort;
  }

  /** Starts on the port of the last time, or on a free one. */
  async start(identity = this.identity): Promise<void> {
    this.identity = identity;
    const server = createServer(
      {
        cert: identity.certificate,
        key: identity.key,
        ca: this.trusted.certificate,
        requestCert: true,
        rejectUnauthorized: true,
      },
      (request, response) => void this.receive(request, response),
    );
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.listeningPort, '127.0.0.1', resolve);
    });
    this.listeningPort = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (!server) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  answer(answering: Answering = accept): void {
    this.answering = answering;
  }

  /** Answers every notification with a status, a JSON body and headers. */
  answerWith(status: number, body?: object, headers: Record<string, string> = {}): void {
    this.answering = (_notification, response) =>
      void response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(body && JSON.stringify(body));
  }

  of(subscriptionId: string): ReceivedNotification[] {
    return this.received.filter(({ body }) => body.subscription_id === subscriptionId);
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const socket = request.socket as unknown as { getPeerCertificate(): { subject?: { CN?: string } } };
    const notification: ReceivedNotification = {
      path: request.url ?? '',
      headers: request.headers,
      body: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>,
      sender: socket.getPeerCertificate().subject?.CN,
    };
    this.received.push(notification);
    this.answering(notification, response);
  }
}
