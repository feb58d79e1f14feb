import { createHmac } from 'node:crypto';

/** Keyed fingerprint of a request: tells whether a repeat has the same content, without storing the subject in it. */
export class RequestFingerprint {
  constructor(private readonly key: Buffer) {}

  /** `content` in a fixed order of fields. */
  of(content: readonly unknown[]): Buffer {
    return createHmac('sha256', this.key).update(JSON.stringify(content)).digest();
  }
}
