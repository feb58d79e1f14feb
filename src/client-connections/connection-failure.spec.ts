import { describe, expect, it } from '@jest/globals';
import { certificateFault, failureCode, failureKind } from './connection-failure';

describe('a failed connection', () => {
  it.each([
    ['ENOTFOUND', 'name_not_found'],
    ['private_address', 'private_address'],
    ['host_not_whitelisted', 'not_allowed'],
    ['ECONNREFUSED', 'refused'],
    ['timeout', 'timeout'],
    ['ECONNRESET', 'broken_off'],
    ['CERT_HAS_EXPIRED', 'certificate_expired'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate_other_name'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate_untrusted'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'alert'],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'protocol'],
    ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'protocol'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'protocol'],
    ['EWHATEVER', 'other'],
  ])('with the code %s is counted as %s', (code, kind) => {
    expect(failureKind(code)).toBe(kind);
  });

  it.each(['ECONNREFUSED', 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'timeout', 'ENOTFOUND'])(
    'with the code %s says nothing about the certificate of the other side',
    (code) => {
      expect(certificateFault(code)).toBeUndefined();
    },
  );

  it('is named by its code, or that of its cause, and never by its text', () => {
    const secret = (given: object) => Object.assign(new Error('10.0.0.1 said something'), given);
    expect(failureCode(secret({ code: 'ECONNRESET' }))).toBe('ECONNRESET');
    expect(failureCode(secret({ cause: { code: 'EPIPE' } }))).toBe('EPIPE');
    expect(failureCode(secret({}))).toBe('Error');
    expect(failureCode('10.0.0.1')).toBe('unknown error');
  });
});
