import { X509Certificate } from 'node:crypto';
import { BlockList, isIPv4 } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';

/** Addresses in one certificate; ours have one or two. */
const namesMax = 100;

const hostName = /^[a-z0-9.-]{1,253}$/i;

/** A certificate that was shown for a request: whoever holds its key is called by the names in it. */
export class ClientCertificate {
  constructor(private readonly certificate: X509Certificate) {}

  /** Whether it names this host: as a DNS name of its own (subjectAltName), never by a wildcard or by its subject. */
  names(host: string): boolean {
    if (!hostName.test(host)) return false;
    return this.certificate.checkHost(host, { subject: 'never', wildcards: false }) !== undefined;
  }

  /** The hosts it names, in lower case. */
  hosts(): string[] {
    // Node writes a name that holds a comma in quotes, with the comma escaped: it cannot look like two.
    const entries = (this.certificate.subjectAltName ?? '').split(', ').slice(0, namesMax);
    return entries.flatMap((entry) => /^DNS:([a-z0-9.-]+)$/i.exec(entry)?.[1]?.toLowerCase() ?? []);
  }
}

export interface CertificateSources {
  /** The header in which a proxy hands on the certificate it was shown (RFC 9440); undefined: none does. */
  header?: string;
  /** Who may send that header: addresses and networks (CIDR). */
  trustedProxies: readonly string[];
}

/** Which certificate came with a request: that of the connection, or the one that a trusted proxy was shown. */
export class ClientCertificates {
  private readonly header?: string;
  private readonly proxies: BlockList;

  constructor({ header, trustedProxies }: CertificateSources) {
    this.header = header?.toLowerCase();
    this.proxies = networksOf(trustedProxies);
  }

  /** Whether a request should have come with one: on the backchannel, and wherever a proxy ends mutual TLS. */
  areExpected({ raw }: FastifyRequest): boolean {
    return this.header !== undefined || 'encrypted' in raw.socket;
  }

  /** From a proxy only what it hands on counts: its own certificate says nothing about the client behind it. */
  of(request: FastifyRequest): ClientCertificate | undefined {
    const { socket } = request.raw;
    if (this.header !== undefined && this.isTrusted(socket.remoteAddress)) {
      return handedOn(request.headers[this.header]);
    }
    if (!('encrypted' in socket)) return undefined;
    const shown = (socket as TLSSocket).getPeerX509Certificate();
    return shown && new ClientCertificate(shown);
  }

  private isTrusted(address: string | undefined): boolean {
    return address !== undefined && this.proxies.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
  }
}

/** RFC 9440 section 2.2: the DER in base64 between two colons; twice is joined by a comma, and is none. */
function handedOn(value: string | string[] | undefined): ClientCertificate | undefined {
  const base64 = typeof value === 'string' ? /^:([A-Za-z0-9+/]+={0,2}):$/.exec(value.trim())?.[1] : undefined;
  if (base64 === undefined) return undefined;
  try {
    return new ClientCertificate(new X509Certificate(Buffer.from(base64, 'base64')));
  } catch {
    return undefined;
  }
}

function networksOf(texts: readonly string[]): BlockList {
  const networks = new BlockList();
  for (const text of texts) {
    const [address, prefix] = text.split('/') as [string, string?];
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    networks.addSubnet(address, prefix === undefined ? (family === 'ipv4' ? 32 : 128) : Number(prefix), family);
  }
  return networks;
}
