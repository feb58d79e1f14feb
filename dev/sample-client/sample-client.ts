import type { Server } from 'node:http';
import { createSampleIssuer } from '../sample-issuer/issuer';
import { Authorizations } from './authorizations';
import { ClientApi } from './client-api';
import { createNotificationServer, type TlsMaterial } from './notification-server';
import { readOffers } from './offers';
import { createPageServer, issuerPath } from './page-server';
import { Received } from './received';
import { type ServiceAddress, ServiceClient } from './service.client';
import { Visitors } from './visitors';

export interface SampleClientOptions {
  readonly host: string;
  readonly pagePort: number;
  readonly tlsPort: number;
  readonly tls: TlsMaterial;
  readonly service: ServiceAddress;
}

/** A DVP: a page for persons, and notification endpoints for the provider's side; beside it the issuer of the sample persons. */
export class SampleClient {
  private constructor(
    readonly received: Received,
    private readonly servers: readonly Server[],
  ) {}

  static async start({ host, pagePort, tlsPort, tls, service }: SampleClientOptions): Promise<SampleClient> {
    const [received, visitors] = [new Received(), new Visitors()];
    // Before any page hears of it, so that what a page then asks for is up to date.
    received.onAdded((notification) => visitors.learn(notification));
    const redirectUri = `http://localhost:${pagePort}/callback`;
    const authorizations = new Authorizations(new ServiceClient(service), service.publicUrl, redirectUri);
    const api = new ClientApi(authorizations, await readOffers(), service.publicUrl);
    const issuer = await createSampleIssuer({
      url: `http://localhost:${pagePort}${issuerPath}`,
      redirectUri: `${service.publicUrl}/sign-in/callback`,
      operatorRedirectUri: `${service.publicUrl}/ops/sign-in/callback`,
    });
    const notificationServer = createNotificationServer(tls, received);
    const pageServer = createPageServer({ received, visitors, authorizations, api, issuer });
    await Promise.all([listen(notificationServer, tlsPort, host), listen(pageServer, pagePort, host)]);
    return new SampleClient(received, [notificationServer, pageServer]);
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map(close));
  }
}

const listen = (server: Server, port: number, host: string) =>
  new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(port, host, listening);
  });

const close = (server: Server) =>
  new Promise<void>((closed) => {
    server.close(() => closed());
    // Open event streams and kept-alive connections would hold it open for ever.
    server.closeAllConnections();
  });
