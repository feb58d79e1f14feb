import type { TLSSocket } from 'node:tls';
import { type buildConnector, type Dispatcher, Pool } from 'undici';
import type { Clock } from '../platform';
import type { ClientIdentity } from './client-identity';
import type { ConnectionFault } from './connection-failure';
import type { ConnectionUse } from './connection-use';
import type { ConnectionMetrics } from './connection.metrics';
import { type HostAddress, PinnedTarget } from './host-address';
import type { SendingConditions } from './sending-conditions';
import { openTlsSocket } from './tls-socket';

/** The whole of a call, from the name of the host to the last byte read; a connection that takes longer is of no use. */
export const budgetMs = 10_000;
/** Sockets to one origin; further calls wait for one of them within their budget. */
const socketsMax = 32;
/** An unused socket is closed after this long, or sooner where the server says when it will close it. */
const socketIdleMs = 15_000;
/** After this long a connection is replaced, so that names, addresses and certificates are looked at again. */
const socketAgeMaxMs = 300_000;
/** A session lets a server skip showing its certificate, so it is not used for ever. */
const sessionAgeMaxMs = 3_600_000;

export interface OriginParts {
  conditions: SendingConditions;
  metrics: ConnectionMetrics;
  use: ConnectionUse;
  clock: Clock;
  hostAddresses: Readonly<Record<string, HostAddress>>;
}

/** The connections to one origin under one identity of ours. */
export class OriginPool {
  readonly host: string;
  private readonly pool: Pool;
  /** Every socket that is open or opening: undici knows those that are ready only. */
  private readonly sockets = new Set<TLSSocket>();
  private readonly target: PinnedTarget;
  private session?: { data: Buffer; until: Date };
  private usedAt = performance.now();

  constructor(
    url: URL,
    readonly identity: ClientIdentity,
    private readonly parts: OriginParts,
  ) {
    this.host = url.hostname;
    this.target = new PinnedTarget(url.hostname, url.port === '' ? 443 : Number(url.port), parts.hostAddresses);
    this.pool = new Pool(url.origin, {
      connections: socketsMax,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: socketIdleMs,
      clientTtl: socketAgeMaxMs,
      // The caller's budget counts for these too.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (_, done) => this.connect(done),
    });
  }

  /** Throws what undici throws at once: of a request it does not take. */
  dispatch(options: Omit<Dispatcher.DispatchOptions, 'origin'>, handler: Dispatcher.DispatchHandler): void {
    this.usedAt = performance.now();
    this.pool.dispatch(options, handler);
  }

  get use(): ConnectionUse {
    return this.parts.use;
  }

  get socketCount(): number {
    return this.sockets.size;
  }

  /** Milliseconds since it was last asked for anything. */
  unusedMs(): number {
    return performance.now() - this.usedAt;
  }

  /** Takes no further call; is over when those under way are. */
  async drain(): Promise<void> {
    await this.pool.close();
    await this.destroy(null);
  }

  /** Ends everything at once, opening sockets and calls under way included. */
  async destroy(fault: ConnectionFault | null): Promise<void> {
    const ended = this.pool.destroy(fault);
    for (const socket of this.sockets) socket.destroy(fault ?? undefined);
    await ended;
  }

  private connect(done: buildConnector.Callback): void {
    this.open().then(
      (socket) => done(null, socket),
      (error: Error) => {
        this.parts.metrics.failed(error);
        done(error, null);
      },
    );
  }

  private async open(): Promise<TLSSocket> {
    const target = await this.target.current();
    // After the name was resolved, which takes time: between this and the first byte lies nothing.
    const refusal = this.parts.conditions.refusalOf(this.host);
    if (refusal) throw refusal;
    const socket = await openTlsSocket(
      {
        target,
        serverName: this.host,
        identity: this.identity,
        session: this.usableSession(),
        mustBeTrusted: true,
        timeoutMs: budgetMs,
      },
      (opening) => this.watch(opening),
    );
    const { metrics, use } = this.parts;
    use.opened(socket);
    metrics.shookHands(socket.isSessionReused() ? 'resumed' : 'full');
    // In TLS 1.3 our certificate is judged after the handshake: a refusal of it arrives as an alert on an open socket.
    // Ended with it, so that the call that was written meanwhile is told this, and not only that the other side closed.
    socket.once('error', (error) => {
      metrics.brokeOff(error);
      socket.destroy(error);
    });
    return socket;
  }

  private watch(socket: TLSSocket): void {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    // Under TLS 1.3 a session comes when the certificate may be gone already, under TLS 1.2 before the handshake is over.
    let validToMs: number | undefined;
    const certificateEndMs = () => (validToMs ??= Date.parse(socket.getPeerX509Certificate()?.validTo ?? ''));
    socket.once('secureConnect', certificateEndMs);
    socket.on('session', (data) => this.keep(data, socket.isSessionReused() ? undefined : certificateEndMs()));
  }

  private usableSession(): Buffer | undefined {
    return this.session && this.parts.clock.now() < this.session.until ? this.session.data : undefined;
  }

  /** No longer than the certificate it was made under is valid: a resumed handshake shows none. */
  private keep(data: Buffer, certificateEndMs: number | undefined): void {
    if (certificateEndMs === undefined) {
      if (this.session) this.session = { data, until: this.session.until };
      return;
    }
    const agedAtMs = this.parts.clock.now().getTime() + sessionAgeMaxMs;
    // Where the end is not known, it is kept and never used: no moment is before an invalid one.
    this.session = { data, until: new Date(Math.min(certificateEndMs, agedAtMs)) };
  }
}
