import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';

/** The files of our identity towards clients, and of what we trust there. */
export interface IdentityFiles {
  certFile?: string;
  keyFile?: string;
  caFile?: string;
}

export interface ClientIdentity {
  cert: Buffer;
  key: Buffer;
  ca: Buffer;
  /** Changes whenever one of the files does: connections of another identity are not used any more. */
  fingerprint: string;
  validTo: Date;
}

const lookAgainMs = 1_000;

/** Our certificate and key, read again when a file changes. Without them nothing is sent (design.md 2.3). */
export class IdentityStore {
  private identity?: ClientIdentity;
  private fault = 'it has not been read yet';
  private stamp = '';
  private lookedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly files: IdentityFiles) {}

  /** The identity, or the reason why there is none to use at `now`; looks at the files at most once a second. */
  async current(now: Date): Promise<ClientIdentity | { missing: string }> {
    if (performance.now() - this.lookedAt >= lookAgainMs) {
      this.lookedAt = performance.now();
      await this.look();
    }
    if (!this.identity) return { missing: this.fault };
    if (this.identity.validTo <= now) return { missing: 'our client certificate has expired' };
    return this.identity;
  }

  private async look(): Promise<void> {
    const { certFile, keyFile, caFile } = this.files;
    if (!certFile || !keyFile || !caFile) {
      this.fault = 'CLIENT_TLS_CERT, CLIENT_TLS_KEY or CLIENT_TLS_CA is not set';
      return;
    }
    try {
      const stats = await Promise.all([certFile, keyFile, caFile].map((file) => stat(file)));
      const stamp = stats.map(({ mtimeMs, size, ino }) => `${mtimeMs}-${size}-${ino}`).join(' ');
      if (stamp === this.stamp) return;
      const [cert, key, ca] = await Promise.all([readFile(certFile), readFile(keyFile), readFile(caFile)]);
      const certificate = new X509Certificate(cert);
      // Certificate and key are two files: between their replacements they do not match, and the old pair stays in use.
      if (!certificate.checkPrivateKey(createPrivateKey(key)))
        throw new Error('the key does not belong to the certificate');
      this.identity = {
        cert,
        key,
        ca,
        fingerprint: createHash('sha256').update(cert).update(key).update(ca).digest('hex'),
        validTo: new Date(certificate.validTo),
      };
      this.stamp = stamp;
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
    this.stamp = '';
  }
}
