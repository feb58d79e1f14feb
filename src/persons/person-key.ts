import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const cipher = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;

/** What one PERSON_KEY gives: a keyed hash, a seal, and the number by which stored rows name it. Pure. */
export class PersonKey {
  /** The key's fingerprint: tells keys apart, tells nothing about them. */
  readonly id: string;
  private readonly hashing: Buffer;
  private readonly sealing: Buffer;

  constructor(secret: Buffer) {
    const derive = (label: string) => Buffer.from(hkdfSync('sha256', secret, '', `medmij-subscriptions ${label}`, 32));
    this.hashing = derive('subject hash');
    this.sealing = derive('seal');
    this.id = derive('key id').subarray(0, 8).toString('hex');
  }

  /** Cannot be reversed or tried out without the key (domain.md 12). The length keeps (issuer, subject) unambiguous. */
  subjectHash(issuer: string, subject: string): Buffer {
    return createHmac('sha256', this.hashing)
      .update(`${Buffer.byteLength(issuer)}:${issuer}${subject}`)
      .digest();
  }

  /** AES-256-GCM, bound to `context` so that a sealed value cannot be moved to another row: iv, tag, ciphertext. */
  seal(plain: Buffer, context: string): Buffer {
    const iv = randomBytes(ivBytes);
    const sealing = createCipheriv(cipher, this.sealing, iv).setAAD(Buffer.from(context));
    const sealed = Buffer.concat([sealing.update(plain), sealing.final()]);
    return Buffer.concat([iv, sealing.getAuthTag(), sealed]);
  }

  /** @throws when the value was sealed under another key or context, or changed since. */
  open(sealed: Buffer, context: string): Buffer {
    // Without the length, a tag cut down to four bytes would do.
    const opening = createDecipheriv(cipher, this.sealing, sealed.subarray(0, ivBytes), { authTagLength: tagBytes });
    opening.setAAD(Buffer.from(context));
    opening.setAuthTag(sealed.subarray(ivBytes, ivBytes + tagBytes));
    return Buffer.concat([opening.update(sealed.subarray(ivBytes + tagBytes)), opening.final()]);
  }
}
