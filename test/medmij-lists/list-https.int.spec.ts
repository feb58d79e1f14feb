import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type CertifiedKey, createAuthority, issueCertificate } from '../../dev/certificates';
import { ListRefresher, type ListName, ListStore } from '../../src/medmij-lists';
import { ListCopyStore } from '../../src/medmij-lists/list-copy.store';
import { listBytesMax } from '../../src/medmij-lists/list-document';
import { sourceKindOf } from '../../src/medmij-lists/list-source-kinds';
import { createLogger, Database } from '../../src/platform';
import { createDatabase, type TestDatabase } from '../support/database';
import { client, clientList, node, provider, providerList, serviceName, serviceNamesList, whitelist } from './list-xml';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const names: ListName[] = ['providers', 'clients', 'service_names', 'whitelist'];
const lists = {
  providers: (sequence = 1, name = 'eerste') => providerList(provider(name, {}), { sequence }),
  clients: () => clientList(client('pgo.example', {})),
  service_names: () => serviceNamesList(serviceName('42')),
  whitelist: () => whitelist(node('pgo.example')),
};

describe('lists over https', () => {
  let folder: string;
  let authority: CertifiedKey;
  let database: TestDatabase;
  let db: Database;
  let server: Server;
  let url: string;
  let answers: Partial<Record<string, Answer>>;
  let requests: { path: string; headers: IncomingMessage['headers']; sender: string | undefined }[];
  let nowMs: number;
  let refresher: ListRefresher | undefined;
  const file = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'medmij-lists-'));
    authority = await createAuthority('list authority');
    const own = await issueCertificate(authority, { commonName: 'dva.example', usages: ['client'] });
    const publisher = await issueCertificate(authority, {
      commonName: 'localhost',
      names: ['localhost', '127.0.0.1'],
      usages: ['server'],
    });
    await Promise.all([
      writeFile(file('own.crt'), own.certificate),
      writeFile(file('own.key'), own.key, { mode: 0o600 }),
      writeFile(file('ca.crt'), authority.certificate),
    ]);
    server = createServer(
      {
        cert: publisher.certificate,
        key: publisher.key,
        ca: authority.certificate,
        requestCert: true,
        rejectUnauthorized: false,
      },
      (request, response) => {
        const path = request.url!.slice(1);
        const sender = (request.socket as TLSSocket).getPeerCertificate()?.subject?.CN as string | undefined;
        requests.push({ path, headers: request.headers, sender });
        (answers[path] ?? ((_, it) => it.writeHead(404).end()))(request, response);
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `https://localhost:${(server.address() as AddressInfo).port}`;
    database = await createDatabase();
    db = await Database.connect(database.url);
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await db.close();
    await database.drop();
    await rm(folder, { recursive: true });
  });
  beforeEach(() => {
    requests = [];
    nowMs = Date.parse('2026-03-01T12:00:00Z');
    answers = Object.fromEntries(names.map((name) => [name, sends(lists[name]())]));
  });
  afterEach(async () => {
    await refresher?.stop();
    await db.query('test.forget', 'delete from list_copy');
  });

  function sends(bytes: Uint8Array, headers: Record<string, string> = {}): Answer {
    return (_request, response) => void response.writeHead(200, headers).end(bytes);
  }
  /** As a publisher that knows conditional requests. */
  const sendsTagged =
    (bytes: Uint8Array, etag: string): Answer =>
    (request, response) =>
      request.headers['if-none-match'] === etag
        ? void response.writeHead(304).end()
        : sends(bytes, { etag, 'last-modified': 'Sun, 01 Mar 2026 10:00:00 GMT' })(request, response);
  const status =
    (code: number, headers: Record<string, string> = {}): Answer =>
    (_request, response) =>
      void response.writeHead(code, headers).end();

  /** A process that starts: its store once every list was checked. */
  async function start(tls = { caFile: file('ca.crt') } as { certFile?: string; keyFile?: string; caFile?: string }) {
    await refresher?.stop();
    const store = new ListStore({ now: () => new Date(nowMs) }, { localhostAllowed: true });
    const at = (name: ListName) => `${url}/${name}`;
    refresher = new ListRefresher(
      store,
      new ListCopyStore(db),
      {
        providers: at('providers'),
        clients: at('clients'),
        serviceNames: at('service_names'),
        whitelist: at('whitelist'),
      },
      tls,
      createLogger('silent'),
    );
    await refresher.start();
    const providers = () => store.status().find(({ name }) => name === 'providers')!;
    return { store, providers, refresher };
  }

  it('are loaded at start', async () => {
    const { store } = await start();
    expect(store.current().provider('eerste')).toBeDefined();
    expect(store.status().map(({ stale }) => stale)).toEqual([false, false, false, false]);
    expect(requests.map(({ path }) => path).sort()).toEqual([...names].sort());
  });

  it('are asked for by what the publisher said of the last answer, and stay young when nothing changed', async () => {
    answers.providers = sendsTagged(lists.providers(), '"one"');
    const { providers, refresher: lists1 } = await start();
    nowMs += 800_000;
    expect(await lists1.check('providers')).toBe(true);
    const last = requests.at(-1)!;
    expect([last.headers['if-none-match'], last.headers['if-modified-since']]).toEqual([
      '"one"',
      'Sun, 01 Mar 2026 10:00:00 GMT',
    ]);
    expect(providers()).toMatchObject({ sequence: 1, age_s: 0 });
    answers.providers = sendsTagged(lists.providers(2, 'tweede'), '"two"');
    expect(await lists1.check('providers')).toBe(true);
    expect(providers()).toMatchObject({ sequence: 2 });
  });

  it.each<[string, () => Answer, RegExp]>([
    ['an error', () => status(500), /answered with status 500/],
    [
      'a redirect, which is not followed',
      () => status(302, { location: `${url}/clients` }),
      /answered with status 302/,
    ],
    ['304 to who has nothing yet', () => status(304), /answered with status 304/],
    ['nothing but a closed connection', () => (request) => void request.socket.destroy(), /cannot be fetched/],
    ['another kind of document', () => sends(Buffer.from('<html>')), /not well-formed/],
    ['an empty one', () => sends(Buffer.alloc(0)), /not well-formed|empty/],
    [
      'a body that breaks off',
      () => (_request, response) => {
        response.writeHead(200, { 'content-length': '100000' }).write('<?xml');
        setImmediate(() => response.destroy());
      },
      /cannot be fetched/,
    ],
    [
      'a body that never ends',
      () => (_request, response) => {
        const piece = Buffer.alloc(1024 * 1024, ' ');
        const more = () => {
          while (!response.destroyed && response.write(piece));
        };
        response
          .writeHead(200)
          .on('drain', more)
          .on('error', () => undefined);
        more();
      },
      new RegExp(`bigger than ${listBytesMax} bytes`),
    ],
  ])('are refused when the answer is %s, and the copy in use stays', async (_what, answer, reason) => {
    answers.providers = answer();
    const { store, providers, refresher: checking } = await start();
    expect(providers()).toMatchObject({ sequence: null, stale: true });
    expect(providers().last_refusal?.reason).toMatch(reason);
    expect(store.everLoaded()).toBe(false);
    answers.providers = sends(lists.providers());
    expect(await checking.check('providers')).toBe(true);
    answers.providers = answer();
    nowMs += 10_000;
    expect(await checking.check('providers')).toBe(false);
    expect(providers()).toMatchObject({ sequence: 1, age_s: 10 });
    expect(store.current().provider('eerste')).toBeDefined();
  });

  it('show our certificate where one is asked for', async () => {
    await start({ certFile: file('own.crt'), keyFile: file('own.key'), caFile: file('ca.crt') });
    expect(requests.map(({ sender }) => sender)).toEqual(names.map(() => 'dva.example'));
  });

  it('are not taken from a publisher that we do not trust, or with a certificate that cannot be read', async () => {
    const untrusted = await start({});
    expect(untrusted.providers().last_refusal?.reason).toMatch(/cannot be fetched/);
    const unread = await start({ certFile: file('gone.crt'), keyFile: file('own.key'), caFile: file('ca.crt') });
    expect(unread.providers().last_refusal?.reason).toMatch(/LIST_TLS_CERT/);
    expect(requests).toEqual([]);
  });

  it('are there again after a restart while the publisher is away, as old as they are', async () => {
    answers.providers = sendsTagged(lists.providers(7, 'zevende'), '"seven"');
    const first = await start();
    nowMs += 600_000;
    await first.refresher.check('providers');
    nowMs += 100_000;
    answers = {};
    const second = await start();
    expect(second.store.current().provider('zevende')).toBeDefined();
    expect(second.providers()).toMatchObject({ sequence: 7, age_s: 100, stale: false });
    expect(second.providers().last_refusal?.reason).toMatch(/status 404/);
    nowMs += 1_701_000;
    expect(second.providers().stale).toBe(true);
  });

  it('never go back to an older publication, after a restart neither', async () => {
    answers.providers = sends(lists.providers(7, 'zevende'));
    await start();
    answers.providers = sends(lists.providers(6, 'zesde'));
    const { store, providers } = await start();
    expect(store.current().provider('zevende')).toBeDefined();
    expect(providers().last_refusal?.reason).toMatch(/Volgnummer 6 is not above 7/);
    // A process that is behind does not put its own copy over a newer one.
    await new ListCopyStore(db).keep('providers', 6, lists.providers(6, 'zesde'), new Date(nowMs));
    expect((await new ListCopyStore(db).find('providers'))!.content.toString()).toContain('zevende');
  });

  it('are fetched at least every 900 s, not all at once, and soon again after a failure', () => {
    const { pauseMs } = sourceKindOf(new URL(url), {});
    const pauses = Array.from({ length: 200 }, () => pauseMs(true));
    // A fetch may take a minute.
    expect(Math.max(...pauses)).toBeLessThanOrEqual(840_000);
    expect(Math.max(...pauses) - Math.min(...pauses)).toBeGreaterThan(60_000);
    expect(Math.max(...Array.from({ length: 200 }, () => pauseMs(false)))).toBeLessThanOrEqual(60_000);
  });

  it('that are big are parsed beside the requests, with the same result and the same refusals', async () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, n) =>
        provider(`big${String(n).replace(/\d/g, (d) => 'abcdefghij'[Number(d)]!)}`, {}),
      ).join('\n');
    const big = providerList(many(1_000), { sequence: 3 });
    expect(big.length).toBeGreaterThan(256 * 1024);
    answers.providers = sends(big);
    const { store, providers, refresher: checking } = await start();
    expect(store.current().provider('biga')!.name).toBe('biga');
    expect(store.current().offering('bigjjj', '3.0.0', '42')).toBeDefined();
    expect(providers()).toMatchObject({ sequence: 3, published_at: '2026-01-01T08:00:00.000Z' });
    answers.providers = sends(providerList(`${many(1_000)}${provider('biga', {})}`, { sequence: 4 }));
    await checking.check('providers');
    expect(providers().last_refusal).toMatchObject({ reason: expect.stringContaining('listed twice') as unknown });
    expect(providers().last_refusal!.line).toBeGreaterThan(1);
    expect(providers().sequence).toBe(3);
  });
});
