import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool, type QueryResultRow } from 'pg';
import { type CertifiedKey, createAuthority, issueCertificate } from '../../dev/certificates';
import { compile, isCompiled } from '../../dev/compile';
import { freePort } from '../../dev/ports';
import { issueToken } from '../../dev/tokens';
import { clusterUrl, createDatabase, type TestDatabase } from '../support/database';
import { Dvp } from '../support/dvp';
import { brokers, OtherSide, topicPrefix } from '../support/kafka';
import { ServiceProcess } from './service-process';

/** Where the servers are; a suite that stops them brings its own. */
export interface Servers {
  cluster: string;
  brokers: string[];
}

/** Database, topics, certificates and a client around processes of the service. */
export class Surroundings {
  private readonly pool: Pool;

  private constructor(
    readonly database: TestDatabase,
    readonly brokers: string[],
    readonly topicPrefix: string,
    readonly dvp: Dvp,
    readonly otherSide: OtherSide,
    readonly token: string,
    /** Everything the processes leave behind, their logs among it. */
    readonly folder: string,
    /** Whom the service and its client trust. */
    readonly authority: CertifiedKey,
    private readonly env: Record<string, string>,
  ) {
    this.pool = new Pool({ connectionString: database.url, max: 2 });
    this.pool.on('error', () => undefined);
  }

  static async make(servers: Servers = { cluster: clusterUrl(), brokers: brokers() }): Promise<Surroundings> {
    if (!isCompiled()) await compile();
    const folder = await mkdtemp(join(tmpdir(), 'medmij-faults-'));
    const [database, authority] = await Promise.all([
      createDatabase(servers.cluster),
      createAuthority('test authority'),
    ]);
    const service = await issueCertificate(authority, { commonName: 'medmij-subscriptions', usages: ['client'] });
    const listed = { commonName: 'sample-client.example', names: ['sample-client.example'] };
    const dvp = new Dvp(await issueCertificate(authority, { ...listed, usages: ['server'] }), authority);
    await dvp.start();
    const [cert, key, ca] = ['service.crt', 'service.key', 'ca.crt'].map((name) => join(folder, name));
    await Promise.all([
      writeFile(cert!, service.certificate),
      writeFile(key!, service.key, { mode: 0o600 }),
      writeFile(ca!, authority.certificate),
    ]);
    const token = await issueToken({ dataDir: folder, scopes: ['authorizations:write', 'ops:read', 'ops:write'] });
    const prefix = topicPrefix();
    const otherSide = new OtherSide(prefix, servers.brokers);
    return new Surroundings(database, servers.brokers, prefix, dvp, otherSide, token, folder, authority, {
      DATA_DIR: folder,
      DATABASE_URL: database.url,
      KAFKA_BROKERS: servers.brokers.join(','),
      KAFKA_TOPIC_PREFIX: prefix,
      DEV_HOSTS: `sample-client.example=127.0.0.1:${dvp.port}`,
      CLIENT_TLS_CERT: cert!,
      CLIENT_TLS_KEY: key!,
      CLIENT_TLS_CA: ca!,
      PUBLIC_URL: 'http://subscriptions.example',
    });
  }

  /** A process of the service; `env` adds to or replaces its configuration. */
  async process(name: string, env: Record<string, string> = {}): Promise<ServiceProcess> {
    const logFile = join(this.folder, 'logs', `${name}.log`);
    return new ServiceProcess(name, { ...this.env, ...env }, await freePort(), logFile);
  }

  /** Configuration under which a process shows itself to clients by this name. */
  async identity(commonName: string): Promise<Record<string, string>> {
    const { certificate, key } = await issueCertificate(this.authority, { commonName, usages: ['client'] });
    const file = (extension: string) => join(this.folder, `${commonName}.${extension}`);
    await Promise.all([writeFile(file('crt'), certificate), writeFile(file('key'), key, { mode: 0o600 })]);
    return { CLIENT_TLS_CERT: file('crt'), CLIENT_TLS_KEY: file('key') };
  }

  async rows<Row extends QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.pool.query<Row>(sql, values)).rows;
  }

  async remove(): Promise<void> {
    await Promise.all([this.dvp.stop(), this.otherSide.close(), this.pool.end()]);
    await this.database.drop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
