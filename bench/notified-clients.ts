import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CertifiedKey, createAuthority, issueCertificate } from '../dev/certificates';
import { client, clientList, node, whitelist } from '../test/medmij-lists/list-xml';
import { terms } from './person-life';
import { Receiver } from './receiver-process';

/**
 * The clients that are notified: the lists that name them, the certificates of both sides in a folder of their own, and one
 * process that receives for them all.
 */
export class NotifiedClients {
  private constructor(
    readonly ids: readonly string[],
    readonly receiver: Receiver,
    /** Ours towards them. */
    readonly identity: CertifiedKey,
    readonly authority: CertifiedKey,
    private readonly folder: string,
  ) {}

  static async start(count: number): Promise<NotifiedClients> {
    const ids = Array.from({ length: count }, (_, index) => `client${index + 1}.example`);
    const [folder, authority] = await Promise.all([
      mkdtemp(join(tmpdir(), 'medmij-bench-clients-')),
      createAuthority('bench authority'),
    ]);
    const identity = await issueCertificate(authority, { commonName: 'medmij-subscriptions', usages: ['client'] });
    const receiving = await issueCertificate(authority, { commonName: ids[0]!, names: ids, usages: ['server'] });
    const receiver = await Receiver.start(receiving, authority);
    const endpoints = (id: string) => ({
      id: terms.serviceId,
      subscription: `https://${id}/subscriptions`,
      resource: `https://${id}/resources`,
    });
    await Promise.all([
      writeFile(join(folder, 'clients.xml'), clientList(ids.map((id) => client(id, endpoints(id))).join('\n'))),
      writeFile(join(folder, 'whitelist.xml'), whitelist(ids.map(node).join('\n'))),
      writeFile(join(folder, 'service.crt'), identity.certificate),
      writeFile(join(folder, 'service.key'), identity.key, { mode: 0o600 }),
      writeFile(join(folder, 'ca.crt'), authority.certificate),
    ]);
    return new NotifiedClients(ids, receiver, identity, authority, folder);
  }

  /** What a service that notifies them is told. */
  env(): Record<string, string> {
    const file = (name: string) => join(this.folder, name);
    return {
      CLIENT_LIST_URL: `file://${file('clients.xml')}`,
      WHITELIST_URL: `file://${file('whitelist.xml')}`,
      DEV_HOSTS: this.ids.map((id) => `${id}=127.0.0.1:${this.receiver.port}`).join(','),
      CLIENT_TLS_CERT: file('service.crt'),
      CLIENT_TLS_KEY: file('service.key'),
      CLIENT_TLS_CA: file('ca.crt'),
    };
  }

  async close(): Promise<void> {
    this.receiver.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
