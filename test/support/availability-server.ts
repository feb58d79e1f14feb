import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How the source that knows who is available answers; the text of a body, a status, or nothing at all. */
export type AvailabilityAnswer = boolean | { status: number; body: string } | 'hang' | 'hang up';

/** A real HTTP server that plays the system behind AVAILABILITY_URL. */
export class AvailabilityServer {
  answer: AvailabilityAnswer = true;
  /** Everything it was asked. */
  readonly asked: Record<string, unknown>[] = [];
  private server?: Server;
  private port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.port}/availability?of=persons`;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        this.asked.push(JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>);
        const { answer } = this;
        if (answer === 'hang') return;
        if (answer === 'hang up') return void response.destroy();
        const { status, body } =
          typeof answer === 'boolean' ? { status: 200, body: JSON.stringify({ available: answer }) } : answer;
        response.writeHead(status, { 'content-type': 'application/json', location: `${this.url}2` }).end(body);
      });
    });
    this.server = server;
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const { server } = this;
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
  }
}
