import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { type CertifiedKey, createAuthority, issueCertificate } from '../../dev/certificates';
import type { Answer } from '../../src/client-connections';
import { ClientConnections } from '../../src/client-connections/client-connections';
import { ListStore } from '../../src/medmij-lists';
import { createLogger } from '../../src/platform';
import {
  client,
  clientList,
  node,
  provider,
  providerList,
  serviceName,
  serviceNamesList,
  whitelist,
} from '../medmij-lists/list-xml';
import { TestClock } from '../support/clock';
import { Receiver, type ReceiverOptions } from './receiver';

const dayMs = 86_400_000;

/** The connections to clients as a process has them, with lists, files and receivers that a test can change. */
export class ConnectionsWorld {
  readonly clock = new TestClock();
  readonly lists = new ListStore(this.clock, { localhostAllowed: true });
  readonly registry = new Registry();
  /** Where host names go; a test adds to it. */
  readonly hostAddresses: Record<string, { address: string; port: number }> = {};
  readonly connections: ClientConnections;
  private readonly receivers: { stop(): Promise<void> }[] = [];
  private sequence = 1;

  private constructor(
    readonly folder: string,
    readonly authority: CertifiedKey,
  ) {
    const { clock, lists, registry, hostAddresses } = this;
    const identityFiles = { certFile: this.file('crt'), keyFile: this.file('key'), caFile: join(folder, 'ca.crt') };
    const log = createLogger('silent');
    this.connections = new ClientConnections({ identityFiles, hostAddresses }, { clock, lists, registry, log });
  }

  static async start(): Promise<ConnectionsWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'medmij-connections-'));
    const world = new ConnectionsWorld(folder, await createAuthority('test authority'));
    await writeFile(join(folder, 'ca.crt'), world.authority.certificate);
    await world.identify('medmij-subscriptions');
    world.connections.start();
    return world;
  }

  async stop(): Promise<void> {
    await this.connections.stop();
    await Promise.all(this.receivers.map((receiver) => receiver.stop()));
    await rm(this.folder, { recursive: true });
  }

  /** Gives us another certificate, under which receivers know us by this name. */
  async identify(commonName: string, validity: { notBefore?: Date; notAfter?: Date } = {}): Promise<void> {
    const own = await issueCertificate(this.authority, { commonName, usages: ['client'], ...validity });
    await writeFile(this.file('key.new'), own.key);
    await writeFile(this.file('crt.new'), own.certificate);
    await rename(this.file('key.new'), this.file('key'));
    await rename(this.file('crt.new'), this.file('crt'));
  }

  file(extension: string): string {
    return join(this.folder, `service.${extension}`);
  }

  /** From now on the client list and the whitelist name these hosts (and one more: a list is never empty). */
  async list(hosts: readonly string[], whitelisted = hosts, fetchedAt = this.clock.now()): Promise<void> {
    const sequence = this.sequence++;
    const endpoints = (host: string) => ({ subscription: `https://${host}/subscriptions`, resource: null });
    const all = [...hosts, 'somebody.example'];
    await this.lists.offer(
      'clients',
      clientList(all.map((host) => client(host, endpoints(host))).join(''), { sequence }),
    );
    await this.lists.offer(
      'whitelist',
      whitelist([...whitelisted, 'somebody.example'].map(node).join(''), { sequence }),
    );
    await this.lists.offer('providers', providerList(provider('eerste', {}), { sequence }), fetchedAt);
    await this.lists.offer('service_names', serviceNamesList(serviceName('42'), { sequence }), fetchedAt);
  }

  async receiver(host: string, options: Partial<ReceiverOptions> & { certificate?: Wish } = {}): Promise<Receiver> {
    const identity = await this.certificate(host, options.certificate);
    const receiver = await Receiver.start({ identity, trusted: this.authority, ...options });
    this.at(host, receiver);
    return receiver;
  }

  /** The host is found there from now on. */
  at(host: string, receiver: { port: number; stop(): Promise<void> }): void {
    this.receivers.push(receiver);
    this.hostAddresses[host] = { address: '127.0.0.1', port: receiver.port };
  }

  async certificate(host: string, { name = host, stranger = false, expired = false, notAfter, curve }: Wish = {}) {
    const authority = stranger ? await createAuthority('stranger') : this.authority;
    const past = { notBefore: new Date(Date.now() - 9 * dayMs), notAfter: new Date(Date.now() - dayMs) };
    return issueCertificate(authority, {
      commonName: name,
      names: [name],
      usages: ['server'],
      ...(expired && past),
      ...(notAfter && { notAfter }),
      ...(curve && { curve }),
    });
  }

  send(host: string, body: Record<string, string> = { subscription_id: 's' }): Promise<Answer> {
    const baseUri = `https://${host}/subscriptions`;
    return this.connections.client.send({ baseUri, body, requestId: randomUUID(), correlationId: randomUUID() });
  }

  /** The value of a metric with these labels, as in `medmij_client_calls_total{connection="new"}`. */
  async figure(line: string): Promise<number> {
    const text = await this.registry.metrics();
    const found = text.split('\n').find((one) => one.startsWith(`${line} `));
    return Number(found?.slice(line.length));
  }
}

/** What a server's certificate should be like; right, unless something is said. */
export interface Wish {
  name?: string;
  stranger?: boolean;
  expired?: boolean;
  notAfter?: Date;
  curve?: 'P-384';
}
