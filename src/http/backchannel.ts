import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Refused } from '../refusals';
import { limits } from './limits';
import { isAtMachineDoor } from './machine-doors';
import { UnusedConnections } from './unused-connections';

/** A caller that opens a connection and does not shake hands is not waited for, neither now nor at a shutdown. */
const handshakeTimeoutMs = 10_000;

export interface BackchannelOptions {
  port: number;
  host: string;
  /** PEM files: our certificate and key, and the authority that must have issued the caller's certificate. */
  tls: { certFile?: string; keyFile?: string; clientCaFile?: string };
}

/**
 * A second port over mutual TLS for machine traffic, so that a browser is never asked for a certificate. The same routes
 * answer, those for machines here and nowhere else; on the other port there is nothing in their place.
 */
export class Backchannel implements OnApplicationBootstrap, BeforeApplicationShutdown {
  /** When our certificate on this port ends; it is read at the start, so a new one needs one. */
  readonly certificateEndsAt: Date;
  private readonly server: Server;
  private readonly unused: UnusedConnections;

  /** @throws Error when a file is missing or is no certificate */
  constructor(
    private readonly fastify: FastifyInstance,
    private readonly options: BackchannelOptions,
  ) {
    const { certFile, keyFile, clientCaFile } = options.tls;
    if (!certFile || !keyFile || !clientCaFile)
      throw new Error('BACKCHANNEL_PORT needs TLS_CERT, TLS_KEY and TLS_CLIENT_CA.');
    const cert = readFileSync(certFile);
    this.certificateEndsAt = new Date(new X509Certificate(cert).validTo);
    this.server = createServer(
      {
        cert,
        key: readFileSync(keyFile),
        ca: readFileSync(clientCaFile),
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: 'TLSv1.2',
        handshakeTimeout: handshakeTimeoutMs,
        requireHostHeader: false, // checked in header-rules.ts
        connectionsCheckingInterval: limits.timeoutsCheckedEveryMs,
      },
      (request, response) => fastify.routing(request, response),
    );
    this.unused = new UnusedConnections(this.server, 'secureConnection');
    fastify.addHook('onRequest', (request, _reply, done) =>
      done(this.isOnItsPort(request) ? undefined : new Refused('not_found')),
    );
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.fastify.ready();
    const { server, options } = this;
    // Limits, and the answer to what cannot be read, as on the other port.
    const { headersTimeout, requestTimeout, keepAliveTimeout, maxConnections } = this.fastify.server;
    Object.assign(server, { headersTimeout, requestTimeout, keepAliveTimeout, maxConnections });
    for (const answer of this.fastify.server.listeners('clientError')) server.on('clientError', answer as () => void);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, options.host, resolve);
    });
  }

  /** Takes no new connection and waits for the requests under way. */
  async beforeApplicationShutdown(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.unused.end();
    await closed;
  }

  private isOnItsPort(request: FastifyRequest): boolean {
    return isAtMachineDoor(request) === 'encrypted' in request.raw.socket;
  }
}
