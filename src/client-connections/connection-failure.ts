/** A call or a connection that we do not make, or give up; `code` is what a delivery shows as its error. */
export class ConnectionFault extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'ConnectionFault';
  }
}

/** A short name of what went wrong, without addresses or certificate texts. */
export function failureCode(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  const cause = (error as { cause?: { code?: unknown } }).cause?.code;
  for (const candidate of [code, cause]) if (typeof candidate === 'string') return candidate;
  return error instanceof Error ? error.name : 'unknown error';
}

/** What a certificate can be refused for by us (domain.md 11). */
export type CertificateFault = 'expired' | 'other_name' | 'untrusted';

/** Of a server's certificate that has not begun yet we say that we do not trust it: nobody renews into the future. */
const certificateFaults: Readonly<Record<string, CertificateFault>> = {
  CERT_HAS_EXPIRED: 'expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'other_name',
  CERT_NOT_YET_VALID: 'untrusted',
  CERT_REJECTED: 'untrusted',
  CERT_REVOKED: 'untrusted',
  CERT_SIGNATURE_FAILURE: 'untrusted',
  CERT_UNTRUSTED: 'untrusted',
  CERT_CHAIN_TOO_LONG: 'untrusted',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'untrusted',
  HOSTNAME_MISMATCH: 'other_name',
  INVALID_CA: 'untrusted',
  INVALID_PURPOSE: 'untrusted',
  PATH_LENGTH_EXCEEDED: 'untrusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'untrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'untrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'untrusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'untrusted',
};

/** What the code of a TLS error says about the server's certificate; undefined when it says nothing about it. */
export function certificateFault(code: string): CertificateFault | undefined {
  return certificateFaults[code];
}

/** Every kind that the metric of failed connections tells apart. */
export const failureKinds = [
  'name_not_found',
  'private_address',
  'not_allowed',
  'refused',
  'timeout',
  'broken_off',
  'certificate_expired',
  'certificate_other_name',
  'certificate_untrusted',
  'alert',
  'protocol',
  'other',
] as const;
export type FailureKind = (typeof failureKinds)[number];

const kindsByCode: Readonly<Record<string, FailureKind>> = {
  ENOTFOUND: 'name_not_found',
  EAI_AGAIN: 'name_not_found',
  private_address: 'private_address',
  host_not_whitelisted: 'not_allowed',
  host_not_listed: 'not_allowed',
  list_stale: 'not_allowed',
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'refused',
  ENETUNREACH: 'refused',
  ETIMEDOUT: 'timeout',
  timeout: 'timeout',
  ECONNRESET: 'broken_off',
  EPIPE: 'broken_off',
};

/** The kind of a failed connection, by the code of its error. */
export function failureKind(code: string): FailureKind {
  const fault = certificateFault(code);
  if (fault) return `certificate_${fault}`;
  const kind = kindsByCode[code];
  if (kind) return kind;
  // OpenSSL names an alert of the other side as such; all else of it is about versions, ciphers and what is not TLS at all.
  if (code.startsWith('ERR_SSL_')) return code.includes('ALERT') && !code.includes('VERSION') ? 'alert' : 'protocol';
  return 'other';
}
