import { createServer, type Server } from 'node:https';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Logger, type LoopState, TlsFiles, WorkLoop } from '../platform';
import { Refused } from '../refusals';
import { limits } from './limits';
import { isAtMachineDoor } from './machine-doors';
import { UnusedConnections } from './unused-connections';

/** A caller that opens a connection and does not shake hands is not waited for, neither now nor at a shutdown. */
const handshakeTimeoutMs = 10_000;
/** Between two looks whether somebody has replaced our certificate. */
const filesLookedAtEveryMs = 1_000;

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
  /** When our certificate on this port ends; none before the start. */
  certificateEndsAt?: Date;
  private readonly server: Server;
  private readonly files: TlsFiles;
  private readonly renewal: WorkLoop;
  private readonly unused: UnusedConnections;

  constructor(
    private readonly fastify: FastifyInstance,
    private readonly options: BackchannelOptions,
    private readonly log: Logger,
  ) {
    const { certFile, keyFile, clientCaFile } = options.tls;
    if (!certFile || !keyFile || !clientCaFile)
      throw new Error('BACKCHANNEL_PORT needs TLS_CERT, TLS_KEY and TLS_CLIENT_CA.');
    this.files = new TlsFiles({ certFile, keyFile, caFile: clientCaFile });
    this.renewal = new WorkLoop({
      name: 'backchannel-certificate',
      step: async () => {
        await this.readFiles();
        return 'idle';
      },
      idleMs: filesLookedAtEveryMs,
      log,
    });
    this.server = createServer(
      {
        requestCert: true,
        rejectUnauthorized: true,
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

  /** @throws Error when a file is missing or is no certificate */
  async onApplicationBootstrap(): Promise<void> {
    await this.readFiles();
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
    this.renewal.start();
  }

  /** For readiness: files that cannot be used leave what was read before in use. */
  state(): LoopState {
    return this.renewal.state();
  }

  /** Takes no new connection and waits for the requests under way. */
  async beforeApplicationShutdown(): Promise<void> {
    if (!this.server.listening) return;
    await this.renewal.stop();
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.unused.end();
    await closed;
  }

  /** New connections are made under what the files hold now; those that are open go on as they were made. */
  private async readFiles(): Promise<void> {
    await this.files.whenChanged(({ cert, key, ca, validTo }) => {
      this.server.setSecureContext({ cert, key, ca, minVersion: 'TLSv1.2' });
      this.certificateEndsAt = validTo;
      this.log.info({ ends_at: validTo }, 'backchannel.certificate_read');
    });
  }

  private isOnItsPort(request: FastifyRequest): boolean {
    return isAtMachineDoor(request) === 'encrypted' in request.raw.socket;
  }
}
