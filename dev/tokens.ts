import { randomUUID } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JWK, JWTPayload } from 'jose' with { 'resolution-mode': 'import' };

/** Every scope the service knows (contract.md 1). */
export const scopes = ['authorizations:write', 'resource-changes:write', 'ops:read', 'ops:write'] as const;
export type Scope = (typeof scopes)[number];

export const developmentIssuer = 'urn:medmij-subscriptions:dev';
export const developmentAudience = 'medmij-subscriptions';

const algorithm = 'ES256';

export interface TokenRequest {
  /** The data directory whose key signs. */
  readonly dataDir: string;
  readonly scopes: readonly Scope[];
  readonly lifetimeS?: number;
  /** Over the usual claims, so that tests can issue what must be refused; undefined leaves a claim out. */
  readonly claims?: JWTPayload;
}

/** A bearer token of the development issuer. */
export async function issueToken({ dataDir, scopes, lifetimeS = 3600, claims }: TokenRequest): Promise<string> {
  const { importJWK, SignJWT } = await import('jose');
  const key = await ensureSigningKey(dataDir);
  const now = Math.floor(Date.now() / 1000);
  const payload: JWTPayload = {
    iss: developmentIssuer,
    aud: developmentAudience,
    sub: 'developer',
    iat: now,
    exp: now + lifetimeS,
    jti: randomUUID(),
    scope: scopes.join(' '),
    ...claims,
  };
  return new SignJWT(payload)
    .setProtectedHeader({ alg: algorithm, typ: 'JWT', kid: key.kid })
    .sign(await importJWK(key, algorithm));
}

/** Below `<data directory>/tokens`: the private key, and jwks.json with the public one, which the service reads. */
export async function ensureSigningKey(dataDir: string): Promise<JWK> {
  const folder = join(dataDir, 'tokens');
  const keyFile = join(folder, 'private-key.json');
  const publicFile = join(folder, 'jwks.json');
  mkdirSync(folder, { recursive: true });
  if (!existsSync(keyFile)) createOnce(keyFile, await newKey());
  const key = JSON.parse(readFileSync(keyFile, 'utf8')) as JWK;
  const { d: _private, ...publicPart } = key;
  const keySet = { keys: [publicPart] };
  if (!holds(publicFile, keySet)) replaceFile(publicFile, keySet);
  return key;
}

async function newKey(): Promise<JWK> {
  const { calculateJwkThumbprint, exportJWK, generateKeyPair } = await import('jose');
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const key = await exportJWK(privateKey);
  return { ...key, kid: await calculateJwkThumbprint(key), alg: algorithm, use: 'sig' };
}

const holds = (file: string, content: unknown) =>
  existsSync(file) && readFileSync(file, 'utf8') === JSON.stringify(content);

/** Of two processes that make the key at once, one wins and both use its key. */
function createOnce(file: string, content: unknown): void {
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, JSON.stringify(content), { mode: 0o600 });
  try {
    linkSync(unfinished, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(unfinished);
  }
}

function replaceFile(file: string, content: unknown): void {
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, JSON.stringify(content), { mode: 0o644 });
  renameSync(unfinished, file);
}
