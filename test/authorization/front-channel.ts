import { Client } from 'pg';
import { TestService } from '../support/app';
import { AvailabilityServer } from '../support/availability-server';
import { TestIssuer } from '../support/issuer';
import { StepwiseVisitor } from './stepwise-visitor';

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
