import { createSecureContext, type SecureContext } from 'node:tls';
import { TlsFiles } from '../platform';

/** The files of our identity towards clients, and of what we trust there. */
export interface IdentityFiles {
  certFile?: string;
  keyFile?: string;
  caFile?: string;
}

export interface ClientIdentity {
  /** Made once for all connections: reading keys and authorities costs milliseconds. */
  context: SecureContext;
  /** Changes whenever one of the files does: connections of another identity are not used any more. */
  fingerprint: string;
  validFrom: Date;
  validTo: Date;
}

const lookAgainMs = 1_000;

/** TLS 1.2 as NCSC calls it good; every suite of TLS 1.3 is. */
const ciphers = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':');

/** Our certificate and key, read again when a file changes. Without them nothing is sent (design.md 2.3). */
export class IdentityStore {
  private identity?: ClientIdentity;
  private fault = 'it has not been read yet';
  private readonly files?: TlsFiles;
  private lookedAt = Number.NEGATIVE_INFINITY;
  private looking?: Promise<void>;

  constructor({ certFile, keyFile, caFile }: IdentityFiles) {
    if (certFile && keyFile && caFile) this.files = new TlsFiles({ certFile, keyFile, caFile });
    else this.fault = 'CLIENT_TLS_CERT, CLIENT_TLS_KEY or CLIENT_TLS_CA is not set';
  }

  /** The identity, or the reason why there is none to use at `now`; looks at the files at most once a second. */
  async current(now: Date): Promise<ClientIdentity | { missing: string }> {
    if (performance.now() - this.lookedAt >= lookAgainMs) {
      // Whoever asks meanwhile waits for the same look: the first one has nothing to answer from yet.
      this.looking ??= this.look().finally(() => {
        this.lookedAt = performance.now();
        this.looking = undefined;
      });
    }
    if (this.looking) await this.looking;
    if (!this.identity) return { missing: this.fault };
    if (this.identity.validFrom > now) return { missing: 'our client certificate is not valid yet' };
    if (this.identity.validTo <= now) return { missing: 'our client certificate has expired' };
    return this.identity;
  }

  private async look(): Promise<void> {
    try {
      await this.files?.whenChanged(({ cert, key, ca, ...known }) => {
        this.identity = { context: createSecureContext({ cert, key, ca, ciphers, minVersion: 'TLSv1.2' }), ...known };
      });
    } catch (error) {
      const gone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      this.fault = gone
        ? 'a file of our client certificate is missing'
        : 'our client certificate or key cannot be read';
      // A pair that was good stays in use while its replacement is being written; one that was taken away does not.
      if (gone) this.forget();
    }
  }

  private forget(): void {
    this.identity = undefined;
    this.files?.forget();
  }
}
