import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';

/** What a side of mutual TLS shows, and whom it trusts: PEM, as the files hold it. */
export interface TlsMaterial {
  cert: Buffer;
  key: Buffer;
  ca: Buffer;
  /** Changes whenever one of the files does. */
  fingerprint: string;
  validFrom: Date;
  validTo: Date;
}

/** Three files that somebody may replace while the service runs. */
export class TlsFiles {
  private stamp = '';

  constructor(private readonly files: { certFile: string; keyFile: string; caFile: string }) {}

  /**
   * Hands over what the files hold if it is not what was taken before; what `take` throws at counts as not taken.
   * @throws Error when a file cannot be read, or certificate and key do not belong together: they are two files, and between
   * their replacements they do not
   */
  async whenChanged(take: (material: TlsMaterial) => void): Promise<void> {
    const paths = [this.files.certFile, this.files.keyFile, this.files.caFile];
    const stats = await Promise.all(paths.map((path) => stat(path)));
    const stamp = stats.map(({ mtimeMs, size, ino }) => `${mtimeMs}-${size}-${ino}`).join(' ');
    if (stamp === this.stamp) return;
    const [cert, key, ca] = (await Promise.all(paths.map((path) => readFile(path)))) as [Buffer, Buffer, Buffer];
    const certificate = new X509Certificate(cert);
    if (!certificate.checkPrivateKey(createPrivateKey(key)))
      throw new Error('The key does not belong to the certificate.');
    take({
      cert,
      key,
      ca,
      fingerprint: createHash('sha256').update(cert).update(key).update(ca).digest('hex'),
      validFrom: new Date(certificate.validFrom),
      validTo: new Date(certificate.validTo),
    });
    this.stamp = stamp;
  }

  /** What the files hold counts as changed when it is looked at next. */
  forget(): void {
    this.stamp = '';
  }
}
