import { Resolver } from 'node:dns/promises';
import type { TLSSocket } from 'node:tls';
import type { ClientIdentity } from './client-identity';
import { type CertificateFault, certificateFault, failureCode } from './connection-failure';
import { type HostAddress, PinnedTarget } from './host-address';
import type { SendingConditions } from './sending-conditions';
import { openTlsSocket } from './tls-socket';

/** The whole of a probe: name, connection, handshake. */
const probeMsMax = 10_000;
const cnameMsMax = 3_000;

/** By what an endpoint is known (domain.md 11). */
export interface SeenIdentity {
  /** DNS names of the certificate, sorted. */
  names: readonly string[];
  issuer: string;
  /** Where the host name points; null when it is no alias, undefined when the name server did not say. */
  cname: string | null | undefined;
}

export type ProbeResult =
  | { kind: 'seen'; identity: SeenIdentity; fault?: CertificateFault }
  /** Says nothing about who is there. `error` is a short name of what went wrong. */
  | { kind: 'unreachable'; error: string }
  /** Nobody may be called at present. */
  | { kind: 'held_back'; reason: string };

/** Looks who answers at an endpoint, in a full handshake of its own; no HTTP request is sent. */
export class EndpointProbe {
  constructor(
    private readonly conditions: SendingConditions,
    private readonly hostAddresses: Readonly<Record<string, HostAddress>>,
  ) {}

  /** @param origin `https://host` or `https://host:port` of a notification endpoint */
  async look(origin: string): Promise<ProbeResult> {
    const ours = await this.conditions.identityOrReason();
    if ('heldBackBy' in ours) return { kind: 'held_back', reason: ours.heldBackBy };
    const { hostname, port } = new URL(origin);
    try {
      const [socket, cname] = await Promise.all([
        this.connect(hostname, port === '' ? 443 : Number(port), ours),
        this.cnameOf(hostname),
      ]);
      const seen = seenOn(socket);
      socket.destroy();
      return seen
        ? { kind: 'seen', ...seen, identity: { ...seen.identity, cname } }
        : { kind: 'unreachable', error: 'no_certificate' };
    } catch (error) {
      return { kind: 'unreachable', error: failureCode(error) };
    }
  }

  private async connect(host: string, port: number, identity: ClientIdentity): Promise<TLSSocket> {
    const target = await new PinnedTarget(host, port, this.hostAddresses).current();
    const refusal = this.conditions.refusalOf(host);
    if (refusal) throw refusal;
    return openTlsSocket(
      { target, serverName: host, identity, mustBeTrusted: false, timeoutMs: probeMsMax },
      () => undefined,
    );
  }

  private async cnameOf(host: string): Promise<string | null | undefined> {
    // A name that development sends elsewhere stands in no name server.
    if (this.hostAddresses[host]) return null;
    try {
      const [cname] = await new Resolver({ timeout: cnameMsMax, tries: 1 }).resolveCname(host);
      return cname?.toLowerCase() ?? null;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      return code === 'ENODATA' || code === 'ENOTFOUND' ? null : undefined;
    }
  }
}

function seenOn(socket: TLSSocket) {
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return undefined;
  const names = (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((name) => name.startsWith('DNS:'))
    .map((name) => name.slice('DNS:'.length).toLowerCase())
    .sort();
  const identity = { names, issuer: certificate.issuer.split('\n').join(', ') };
  if (socket.authorized) return { identity };
  // Node puts the code there, whatever its types say. One that we have no name for is no reason to trust either.
  const fault = certificateFault(String(socket.authorizationError)) ?? ('untrusted' as const);
  return { identity, fault };
}
