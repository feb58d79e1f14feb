import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { JSONWebKeySet } from 'jose' with { 'resolution-mode': 'import' };
import { developmentAudience, developmentIssuer, ensureSigningKey, issueToken } from './tokens';

const dataDir = mkdtempSync(join(tmpdir(), 'tokens-'));
afterAll(() => rmSync(dataDir, { recursive: true }));

const publishedKeys = () => JSON.parse(readFileSync(join(dataDir, 'tokens/jwks.json'), 'utf8')) as JSONWebKeySet;

async function verify(token: string) {
  const { createLocalJWKSet, jwtVerify } = await import('jose');
  const rules = { issuer: developmentIssuer, audience: developmentAudience, algorithms: ['ES256'] };
  return (await jwtVerify(token, createLocalJWKSet(publishedKeys()), rules)).payload;
}

describe('a development token', () => {
  it('is accepted by who knows the published keys', async () => {
    const token = await issueToken({ dataDir, scopes: ['ops:read', 'authorizations:write'] });
    const { scope, exp, iat } = await verify(token);
    expect(scope).toBe('ops:read authorizations:write');
    expect(exp! - iat!).toBe(3600);
  });

  it('can carry claims that must be refused', async () => {
    const asked = { dataDir, scopes: ['ops:read'] } as const;
    const late = await issueToken({ ...asked, claims: { exp: Math.floor(Date.now() / 1000) - 60 } });
    await expect(verify(late)).rejects.toThrow('"exp" claim timestamp check failed');
    await expect(verify(await issueToken({ ...asked, claims: { iss: 'somebody' } }))).rejects.toThrow('"iss"');
    expect((await verify(await issueToken({ ...asked, claims: { exp: undefined } }))).exp).toBeUndefined();
  });

  it('is signed by one key, made once, that nobody else can read', async () => {
    const [one, other] = await Promise.all([ensureSigningKey(dataDir), ensureSigningKey(dataDir)]);
    expect(other).toEqual(one);
    expect(statSync(join(dataDir, 'tokens/private-key.json')).mode & 0o777).toBe(0o600);
    expect(publishedKeys().keys).toHaveLength(1);
    expect(publishedKeys().keys[0]).not.toHaveProperty('d');
  });

  it('publishes its key again when the file is lost', async () => {
    const { kid } = await ensureSigningKey(dataDir);
    rmSync(join(dataDir, 'tokens/jwks.json'));
    await issueToken({ dataDir, scopes: ['ops:read'] });
    expect(publishedKeys().keys[0]!.kid).toBe(kid);
  });
});
