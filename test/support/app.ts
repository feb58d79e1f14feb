import { randomInt, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type CertifiedKey, createAuthority, issueCertificate } from '../../dev/certificates';
import { freePort } from '../../dev/ports';
import { issueToken, type Scope } from '../../dev/tokens';
import { buildApp } from '../../src/app';
import { readConfig } from '../../src/config';
import { createLogger } from '../../src/platform';
import { TestClock } from './clock';
import { createDatabase, type TestDatabase } from './database';
import { Dvp } from './dvp';
import { TestIssuer } from './issuer';
import { brokers, OtherSide, topicPrefix } from './kafka';

const projectRoot = resolve(__dirname, '../..');

export interface Answer<Body = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: Body;
  text: string;
}

export interface World {
  clock: TestClock;
  /** The client `localhost` of the sample lists, at sample-client.example. */
  dvp: Dvp;
  /** Where persons sign in. */
  issuer: TestIssuer;
  otherSide: OtherSide;
  database: TestDatabase;
  authority: CertifiedKey;
  dataDir: string;
  env: Record<string, string>;
  /** Everything the service has logged. */
  logLines: string[];
  /** Where the built pages are; those of dist/ when left out. */
  pagesFolder?: string;
  baseUrl: string;
  app: NestFastifyApplication;
}

/** A running service with everything around it: database, topics, certificates, tokens, a client. */
export class TestService {
  private constructor(readonly world: World) {}

  /** `env` adds to or replaces the configuration; the lists are the sample ones unless it says otherwise. */
  static async start(
    env: Record<string, string> = {},
    { pagesFolder }: Pick<World, 'pagesFolder'> = {},
  ): Promise<TestService> {
    const dataDir = await mkdtemp(join(tmpdir(), 'medmij-test-'));
    const [database, authority] = await Promise.all([createDatabase(), createAuthority('test authority')]);
    const service = await issueCertificate(authority, { commonName: 'medmij-subscriptions', usages: ['client'] });
    const client = await issueCertificate(authority, {
      commonName: 'sample-client.example',
      names: ['sample-client.example'],
      usages: ['server'],
    });
    await Promise.all([
      writeFile(join(dataDir, 'service.crt'), service.certificate),
      writeFile(join(dataDir, 'service.key'), service.key, { mode: 0o600 }),
      writeFile(join(dataDir, 'ca.crt'), authority.certificate),
      issueToken({ dataDir, scopes: ['ops:read'] }),
    ]);
    const dvp = new Dvp(client, authority);
    const issuer = new TestIssuer();
    await Promise.all([dvp.start(), issuer.start()]);
    const prefix = topicPrefix();
    const world = {
      clock: new TestClock(),
      dvp,
      issuer,
      otherSide: new OtherSide(prefix),
      database,
      authority,
      dataDir,
      pagesFolder,
      logLines: [],
      env: {
        PORT: '0',
        DATA_DIR: dataDir,
        DATABASE_URL: database.url,
        KAFKA_BROKERS: brokers().join(','),
        KAFKA_TOPIC_PREFIX: prefix,
        DEV_HOSTS: `sample-client.example=127.0.0.1:${dvp.port}`,
        CLIENT_TLS_CERT: join(dataDir, 'service.crt'),
        CLIENT_TLS_KEY: join(dataDir, 'service.key'),
        CLIENT_TLS_CA: join(dataDir, 'ca.crt'),
        OIDC_ISSUER: issuer.url,
        LOG_LEVEL: 'debug',
        ...env,
      },
    };
    return new TestService({ ...world, ...(await startApp(world)) });
  }

  /** Stops the service and starts it again on what it left behind. */
  async restart(env: Record<string, string> = {}): Promise<void> {
    await this.world.app.close();
    Object.assign(this.world.env, env);
    Object.assign(this.world, await startApp(this.world));
  }

  /** Another process of the same service; whoever starts it closes its app. */
  async beside(env: Record<string, string> = {}): Promise<TestService> {
    const world = { ...this.world, env: { ...this.world.env, ...env }, logLines: [] };
    return new TestService({ ...world, ...(await startApp(world)) });
  }

  async stop(): Promise<void> {
    await this.world.app.close();
    await Promise.all([this.world.dvp.stop(), this.world.issuer.stop(), this.world.otherSide.close()]);
    await this.world.database.drop();
    await rm(this.world.dataDir, { recursive: true, force: true });
  }

  token(...scopes: Scope[]): Promise<string> {
    return issueToken({ dataDir: this.world.dataDir, scopes });
  }

  async get<Body = Record<string, unknown>>(path: string, scope: Scope = 'ops:read'): Promise<Answer<Body>> {
    return this.send<Body>('GET', path, { authorization: `Bearer ${await this.token(scope)}` });
  }

  async post<Body = Record<string, unknown>>(
    path: string,
    body: unknown,
    scope: Scope = 'authorizations:write',
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    const authorization = `Bearer ${await this.token(scope)}`;
    const content: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    return this.send<Body>(
      'POST',
      path,
      { authorization, ...content, ...headers },
      body === undefined ? undefined : JSON.stringify(body),
    );
  }

  async send<Body = Record<string, unknown>>(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string | Buffer,
  ): Promise<Answer<Body>> {
    const response = await fetch(`${this.world.baseUrl}${path}`, { method, headers, body, redirect: 'manual' });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, text, body: (isJson ? JSON.parse(text) : {}) as Body };
  }
}

async function startApp(
  world: Pick<World, 'env' | 'clock' | 'logLines' | 'pagesFolder'>,
): Promise<Pick<World, 'app' | 'baseUrl'>> {
  const read = readConfig(world.env, projectRoot);
  const config = { ...read, pagesFolder: world.pagesFolder ?? read.pagesFolder };
  const log = createLogger(config.logLevel, { write: (line: string) => void world.logLines.push(line) });
  const app = await buildApp(config, log, world.clock);
  await app.listen(config.http.port, '127.0.0.1');
  return { app, baseUrl: (await app.getUrl()).replace('[::1]', '127.0.0.1') };
}

/** For a service that browsers come to: they must find it where it says it is. */
export async function ownAddress(): Promise<{ PORT: string; PUBLIC_URL: string }> {
  const port = await freePort();
  return { PORT: String(port), PUBLIC_URL: `http://localhost:${port}` };
}

export interface AuthorizedRequestBody {
  authorization_id: string;
  client_id: string;
  scope: string;
  subject: string;
  authorized_at: string;
  [other: string]: unknown;
}

/** An authorized request of the ordinary kind; the test says what matters to it. */
export function authorizedRequest(given: Partial<AuthorizedRequestBody> = {}, now = new Date()): AuthorizedRequestBody {
  return {
    authorization_id: randomUUID(),
    client_id: 'localhost',
    scope: 'subscribe~180/eenofanderezorgaanbieder~42',
    subject: somePerson(),
    authorized_at: now.toISOString(),
    ...given,
  };
}

/** A subject nobody else has: the form of a BSN that is never given out. */
export function somePerson(): string {
  return `9999${String(randomInt(100_000)).padStart(5, '0')}-${randomUUID()}`;
}
