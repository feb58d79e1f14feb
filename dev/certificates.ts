// @peculiar/x509 does not load without it, and does not load it itself.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  type JsonName,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate and its private key, both as PEM text. */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  /** Host names and IP addresses. */
  readonly names?: readonly string[];
  readonly usages: readonly ('client' | 'server')[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** P-256 unless a test needs a key that others cannot be used beside. */
  readonly curve?: 'P-256' | 'P-384';
}

const dayMs = 86_400_000;
const authorityDays = 3650;
const leafDays = 397;
/** Renewed this long before they end, so that none ends while the service runs. */
const renewalDays = 30;

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const usageOids = { client: ExtendedKeyUsage.clientAuth, server: ExtendedKeyUsage.serverAuth };
const inDays = (days: number) => new Date(Date.now() + days * dayMs);
// A clock a little behind ours must accept it too.
const justNow = () => new Date(Date.now() - 3_600_000);

/** A certificate authority of its own, as the development one is; tests make strangers with it. */
export async function createAuthority(commonName: string, notAfter = inDays(authorityDays)): Promise<CertifiedKey> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: distinguishedName(commonName),
    notBefore: justNow(),
    notAfter,
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString('pem'), key: await keyPem(keys.privateKey) };
}

/** A certificate for exactly what is asked, so that tests can ask for wrong names and past dates. */
export async function issueCertificate(authority: CertifiedKey, request: CertificateRequest): Promise<CertifiedKey> {
  const { commonName, names = [], usages } = request;
  const issuer = new X509Certificate(authority.certificate);
  const keys = await newKeys(request.curve);
  const alternativeNames = names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value }));
  const certificate = await X509CertificateGenerator.create({
    subject: distinguishedName(commonName),
    issuer: issuer.subject,
    notBefore: request.notBefore ?? justNow(),
    notAfter: request.notAfter ?? inDays(leafDays),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension(usages.map((usage) => usageOids[usage])),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer),
      ...(alternativeNames.length > 0 ? [new SubjectAlternativeNameExtension(alternativeNames)] : []),
    ],
  });
  return { certificate: certificate.toString('pem'), key: await keyPem(keys.privateKey) };
}

const distinguishedName = (commonName: string): JsonName => [
  { CN: [commonName] },
  { O: ['medmij-subscriptions development'] },
];

const newKeys = (namedCurve = algorithm.namedCurve) =>
  webcrypto.subtle.generateKey({ ...algorithm, namedCurve }, true, ['sign', 'verify']);

const keyPem = async (key: webcrypto.CryptoKey) =>
  PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');

const importKey = (pem: string) =>
  webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pem), algorithm, false, ['sign']);

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface DevelopmentCertificates {
  readonly caFile: string;
  readonly service: CertificateFiles;
  readonly sampleClient: CertificateFiles;
}

const leaves: Record<'service' | 'sample-client', CertificateRequest> = {
  // Towards clients it is a client; where it ends mutual TLS itself it is a server, found as localhost.
  service: {
    commonName: 'medmij-subscriptions',
    names: ['localhost', '127.0.0.1', '::1'],
    usages: ['client', 'server'],
  },
  'sample-client': {
    commonName: 'sample-client.example',
    names: ['sample-client.example', 'localhost', '127.0.0.1', '::1'],
    usages: ['server'],
  },
};

/** The development authority and its certificates below `<data directory>/tls`: made once, renewed before they end. */
export async function ensureCertificates(dataDir: string): Promise<DevelopmentCertificates> {
  const folder = join(dataDir, 'tls');
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const known = read(folder, 'ca');
  const authority = known ?? (await createAuthority('medmij-subscriptions development CA'));
  if (!known) write(folder, 'ca', authority);
  for (const [name, request] of Object.entries(leaves)) {
    const present = read(folder, name);
    if (present && isIssuedBy(present, authority)) continue;
    write(folder, name, await issueCertificate(authority, request));
  }
  return {
    caFile: join(folder, 'ca.crt'),
    service: files(folder, 'service'),
    sampleClient: files(folder, 'sample-client'),
  };
}

const files = (folder: string, name: string): CertificateFiles => ({
  certFile: join(folder, `${name}.crt`),
  keyFile: join(folder, `${name}.key`),
});

/** Undefined when there is none, or none that lasts. */
function read(folder: string, name: string): CertifiedKey | undefined {
  const { certFile, keyFile } = files(folder, name);
  if (!existsSync(certFile) || !existsSync(keyFile)) return undefined;
  const found = { certificate: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  return new X509Certificate(found.certificate).notAfter > inDays(renewalDays) ? found : undefined;
}

function isIssuedBy(leaf: CertifiedKey, authority: CertifiedKey): boolean {
  const issuer = new X509Certificate(authority.certificate);
  const wanted = issuer.getExtension(SubjectKeyIdentifierExtension)?.keyId;
  return new X509Certificate(leaf.certificate).getExtension(AuthorityKeyIdentifierExtension)?.keyId === wanted;
}

/** The key first: a certificate without its key would be taken for a whole pair. */
function write(folder: string, name: string, pair: CertifiedKey): void {
  const { certFile, keyFile } = files(folder, name);
  replaceFile(keyFile, pair.key, 0o600);
  replaceFile(certFile, pair.certificate, 0o644);
}

function replaceFile(file: string, text: string, mode: number): void {
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, `${text.trimEnd()}\n`, { mode });
  chmodSync(unfinished, mode);
  renameSync(unfinished, file);
}
