import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { JWTPayload, JWTVerifyGetKey } from 'jose' with { 'resolution-mode': 'import' };
import { describeError, type Logger } from '../platform';
import { Refused } from '../refusals';

/** Who may sign tokens, and for whom they must be. */
export interface TrustedIssuer {
  issuer: string;
  audience: string;
  /** `https:`, `file:`, or in development `http:` on loopback. */
  jwksUrl: string;
}

/** Asymmetric algorithms only: `none` and shared secrets are not among them. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const clockToleranceS = 5;
const jwksTimeoutMs = 5_000;
/**
 * A token that was found good is believed for this long without being checked again, and never past its expiry: its sender
 * brings the same one with every request, and checking a signature cost more than carrying out the command. So long can a key
 * that was withdrawn still open the door.
 */
const believedForMs = 5_000;
const believedMax = 1_000;
/** A token is short; a longer text is not looked at. */
const tokenLengthMax = 8_192;

/** Checks bearer tokens of one issuer (RFC 7519): signature, issuer, audience, expiry. */
export class TokenVerifier {
  private keys?: Promise<JWTVerifyGetKey>;
  /** By the hash of the token, the one found good longest ago first. */
  private readonly believed = new Map<string, { claims: JWTPayload; untilMs: number }>();

  constructor(
    private readonly trusted: TrustedIssuer,
    private readonly log: Logger,
  ) {}

  /**
   * The claims of a token that may be believed.
   * @throws Refused `unauthenticated` for any bad token, `unavailable` when the issuer's keys cannot be had
   */
  async verify(token: string): Promise<JWTPayload> {
    if (token.length > tokenLengthMax) throw new Refused('unauthenticated');
    const hash = createHash('sha256').update(token).digest('base64');
    const known = this.believed.get(hash);
    if (known && performance.now() < known.untilMs) return known.claims;
    const claims = await this.check(token);
    this.believe(hash, claims);
    return claims;
  }

  private believe(hash: string, claims: JWTPayload): void {
    const expiresInMs = (claims.exp! + clockToleranceS) * 1_000 - (performance.timeOrigin + performance.now());
    this.believed.delete(hash);
    if (this.believed.size >= believedMax) this.believed.delete(this.believed.keys().next().value!);
    this.believed.set(hash, { claims, untilMs: performance.now() + Math.min(believedForMs, expiresInMs) });
  }

  private async check(token: string): Promise<JWTPayload> {
    const { jwtVerify, errors } = await import('jose');
    try {
      this.keys ??= this.loadKeys();
      const { payload } = await jwtVerify(token, await this.keys, {
        issuer: this.trusted.issuer,
        audience: this.trusted.audience,
        algorithms,
        clockTolerance: clockToleranceS,
        requiredClaims: ['exp'],
      });
      return payload;
    } catch (error) {
      if (error instanceof Refused) throw error;
      const isAboutKeys = error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid;
      if (error instanceof errors.JOSEError && !isAboutKeys && error.code !== 'ERR_JOSE_GENERIC')
        throw new Refused('unauthenticated');
      this.log.warn({ issuer: this.trusted.issuer, error: describeError(error) }, 'token.keys_unavailable');
      throw new Refused('unavailable', 'The keys of the token issuer cannot be had now.');
    }
  }

  private async loadKeys(): Promise<JWTVerifyGetKey> {
    const url = new URL(this.trusted.jwksUrl);
    if (url.protocol === 'file:') return keysFromFile(url);
    const { createRemoteJWKSet } = await import('jose');
    return createRemoteJWKSet(url, { timeoutDuration: jwksTimeoutMs });
  }
}

/** A JWKS file, read again whenever it changes; while it is missing no token can be good. */
async function keysFromFile(file: URL): Promise<JWTVerifyGetKey> {
  const { createLocalJWKSet } = await import('jose');
  let stamp = '';
  let keys: ReturnType<typeof createLocalJWKSet> | undefined;
  return async (header, token) => {
    const { mtimeMs, size } = await stat(file).catch(() => {
      throw new Refused('unavailable', 'The keys of the token issuer cannot be had now.');
    });
    if (!keys || stamp !== `${mtimeMs} ${size}`) {
      keys = createLocalJWKSet(JSON.parse(await readFile(file, 'utf8')) as Parameters<typeof createLocalJWKSet>[0]);
      stamp = `${mtimeMs} ${size}`;
    }
    return keys(header, token);
  };
}
