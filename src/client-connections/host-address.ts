import { lookup } from 'node:dns/promises';
import { BlockList, isIPv6, type LookupFunction } from 'node:net';
import { ConnectionFault } from './connection-failure';

/** Where a call to a host really goes. */
export interface HostAddress {
  address: string;
  port: number;
}

/**
 * Every range that is not public: a listed name must not lead us into our own network (SSRF). Two lists, because Node takes
 * the IPv4-mapped range of IPv6 in a list for all of IPv4.
 */
const notPublic4 = new BlockList();
const notPublic6 = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  notPublic4.addSubnet(net, prefix, 'ipv4');
}
for (const [net, prefix] of [
  ['::', 96],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  notPublic6.addSubnet(net, prefix, 'ipv6');
}

export function isPublicAddress(address: string): boolean {
  return isIPv6(address) ? !notPublic6.check(address, 'ipv6') : !notPublic4.check(address, 'ipv4');
}

/** What a socket connects to: a name that is resolved as usual, or one whose addresses have been looked at. */
export interface Target {
  host: string;
  port: number;
  lookup?: LookupFunction;
}

/** How long addresses that were looked at are used for further connections. */
const pinnedMs = 30_000;

/**
 * Where one host is: resolved once, so that the addresses checked are the addresses called, and by one question at a time, so
 * that a name server that hangs holds one thread and not all of them. Configured development hosts go where they say.
 */
export class PinnedTarget {
  private pinned?: { target: Target; untilMs: number };
  private asking?: Promise<Target>;

  constructor(
    private readonly host: string,
    private readonly port: number,
    private readonly configured: Readonly<Record<string, HostAddress>>,
  ) {}

  /** @throws ConnectionFault `private_address` when any address of the name is not public, or the resolver's error */
  async current(): Promise<Target> {
    const known = this.configured[this.host];
    if (known) return { host: known.address, port: known.port };
    if (this.pinned && performance.now() < this.pinned.untilMs) return this.pinned.target;
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    return this.asking;
  }

  private async ask(): Promise<Target> {
    const addresses = await lookup(this.host, { all: true, verbatim: true });
    if (addresses.length === 0 || !addresses.every(({ address }) => isPublicAddress(address))) {
      throw new ConnectionFault('private_address', 'The host name leads to an address that is not public.');
    }
    const target: Target = {
      host: this.host,
      port: this.port,
      lookup: (_host, { all }, answer) =>
        all ? answer(null, addresses) : answer(null, addresses[0]!.address, addresses[0]!.family),
    };
    this.pinned = { target, untilMs: performance.now() + pinnedMs };
    return target;
  }
}
