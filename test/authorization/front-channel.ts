import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from 'pg';
import { TestService } from '../support/app';
import { TestIssuer } from '../support/issuer';
import { StepwiseVisitor } from './stepwise-visitor';

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

/** A running service with an issuer and a source of availability beside it. */
export class FrontChannel {
  private constructor(
    readonly service: TestService,
    readonly issuer: TestIssuer,
    readonly availability: AvailabilityServer,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<FrontChannel> {
    const issuer = new TestIssuer();
    const availability = new AvailabilityServer();
    await Promise.all([issuer.start(), availability.start()]);
    const service = await TestService.start({
      OIDC_ISSUER: issuer.url,
      OIDC_CLIENT_ID: 'medmij-subscriptions',
      OIDC_CLIENT_SECRET: 'between-us',
      AVAILABILITY_URL: availability.url,
      ...env,
    });
    return new FrontChannel(service, issuer, availability);
  }

  visitor(): StepwiseVisitor {
    return new StepwiseVisitor(this.service, this.issuer);
  }

  async stop(): Promise<void> {
    await this.service.stop();
    await Promise.all([this.issuer.stop(), this.availability.stop()]);
  }

  /** Asks the database itself. */
  async sql<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    const client = new Client({ connectionString: this.service.world.database.url });
    await client.connect();
    try {
      return (await client.query<Row>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  /** The lines of the log that say `message`. */
  lines(message: string): Record<string, unknown>[] {
    return this.service.world.logLines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === message);
  }
}
