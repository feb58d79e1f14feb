import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { createAuthority, ensureCertificates, issueCertificate, type CertifiedKey } from './certificates';

const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
afterAll(() => rmSync(folder, { recursive: true }));

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close().closeAllConnections()));

async function serve(server: CertifiedKey, trusted: CertifiedKey): Promise<number> {
  const options = { cert: server.certificate, key: server.key, ca: trusted.certificate, requestCert: true };
  const https = createServer({ ...options, rejectUnauthorized: true }, (_, response) => response.end('in'));
  servers.push(https);
  await new Promise<void>((listening) => https.listen(0, '127.0.0.1', listening));
  return (https.address() as AddressInfo).port;
}

/** What the caller of that name gets to see: the body, or the code of the TLS error. */
const visit = (port: number, host: string, caller: CertifiedKey, trusted: CertifiedKey) =>
  new Promise<string>((seen) => {
    const credentials = { cert: caller.certificate, key: caller.key, ca: trusted.certificate };
    request({ ...credentials, host: '127.0.0.1', port, servername: host, agent: false }, (response) => {
      response.setEncoding('utf8').on('data', seen);
    })
      .on('error', (error: NodeJS.ErrnoException) => seen(error.code ?? error.message))
      .end();
  });

describe('the development certificates', () => {
  it('are made once, with keys that only their owner can read', async () => {
    const first = await ensureCertificates(folder);
    const before = readFileSync(first.service.certFile, 'utf8');
    expect(await ensureCertificates(folder)).toEqual(first);
    expect(readFileSync(first.service.certFile, 'utf8')).toBe(before);
    for (const file of [first.service.keyFile, first.sampleClient.keyFile, join(folder, 'tls/ca.key')]) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
    }
  });

  it('are made again when one is missing or was signed by another authority', async () => {
    const { service, sampleClient } = await ensureCertificates(folder);
    const [before, untouched] = [service, sampleClient].map(({ certFile }) => readFileSync(certFile, 'utf8'));
    rmSync(service.keyFile);
    await ensureCertificates(folder);
    expect(readFileSync(service.certFile, 'utf8')).not.toBe(before);
    expect(readFileSync(sampleClient.certFile, 'utf8')).toBe(untouched);
    rmSync(join(folder, 'tls/ca.key'));
    const { caFile } = await ensureCertificates(folder);
    const authority = new X509Certificate(readFileSync(caFile));
    expect(new X509Certificate(readFileSync(sampleClient.certFile)).verify(authority.publicKey)).toBe(true);
  });

  it('let the service into the sample client over mutual TLS', async () => {
    const { caFile, service, sampleClient } = await ensureCertificates(folder);
    const load = ({ certFile, keyFile }: typeof service) => ({
      certificate: readFileSync(certFile, 'utf8'),
      key: readFileSync(keyFile, 'utf8'),
    });
    const authority = { certificate: readFileSync(caFile, 'utf8'), key: '' };
    const port = await serve(load(sampleClient), authority);
    expect(await visit(port, 'sample-client.example', load(service), authority)).toBe('in');
  });
});

describe('an issued certificate', () => {
  const dayMs = 86_400_000;
  const client = { commonName: 'caller', usages: ['client'] } as const;
  const server = { commonName: 'a.example', names: ['a.example'], usages: ['server'] } as const;

  it('is refused for a name it does not hold', async () => {
    const authority = await createAuthority('test');
    const port = await serve(await issueCertificate(authority, server), authority);
    const caller = await issueCertificate(authority, client);
    expect(await visit(port, 'a.example', caller, authority)).toBe('in');
    expect(await visit(port, 'b.example', caller, authority)).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('is refused once it has ended', async () => {
    const authority = await createAuthority('test');
    const past = { notBefore: new Date(Date.now() - 2 * dayMs), notAfter: new Date(Date.now() - dayMs) };
    const port = await serve(await issueCertificate(authority, { ...server, ...past }), authority);
    expect(await visit(port, 'a.example', await issueCertificate(authority, client), authority)).toBe(
      'CERT_HAS_EXPIRED',
    );
  });

  it('of a stranger is refused as the caller', async () => {
    const authority = await createAuthority('test');
    const port = await serve(await issueCertificate(authority, server), authority);
    const stranger = await issueCertificate(await createAuthority('stranger'), client);
    expect(await visit(port, 'a.example', stranger, authority)).not.toBe('in');
  });

  it('for a server is refused as the caller', async () => {
    const authority = await createAuthority('test');
    const pair = await issueCertificate(authority, server);
    const port = await serve(pair, authority);
    expect(await visit(port, 'a.example', pair, authority)).not.toBe('in');
  });
});
