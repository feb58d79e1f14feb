import type { RefusalForm } from '../http';
import { type RefusalCode, Refused } from '../refusals';

/** The errors of a token request (RFC 6749 section 5.2): what each says, unless a closer word is known. */
const descriptions = {
  invalid_request: 'The request is malformed.',
  invalid_client: 'The client is not known here, or did not show who it is.',
  invalid_grant:
    'The code is not valid: unknown, expired, presented before, or issued to another client or redirect_uri.',
  unauthorized_client: 'The client may not ask for tokens here.',
  unsupported_grant_type: 'The only grant_type is authorization_code.',
  invalid_scope: 'The scope is not the one that was granted.',
} as const;
export type TokenError = keyof typeof descriptions;

/** A token request is refused, as RFC 6749 section 5.2 names it. */
export class TokenRefused extends Refused {
  /** @param reason for the log, where the client is not to know */
  constructor(
    readonly error: TokenError,
    description: string = descriptions[error],
    readonly reason?: string,
  ) {
    super(error === 'invalid_client' ? 'unauthenticated' : 'malformed_request', description);
    this.name = 'TokenRefused';
  }
}

/** What the edge refuses before the form is looked at. */
const formFaults = new Map<RefusalCode, TokenError>([
  ['malformed_request', 'invalid_request'],
  ['unsupported_media_type', 'invalid_request'],
  ['payload_too_large', 'invalid_request'],
]);

/** Who is not known is asked for what it tried, or for a certificate. */
const realm = 'realm="medmij-subscriptions"';

/**
 * RFC 6749 section 5.2. What the edge itself refuses (the form, its headers) is an `invalid_request`; an outage stays the problem
 * document it is, since that section knows none.
 */
export const asTokenError: RefusalForm = (problem, { refused, request, publicUrl }) => {
  const error = refused instanceof TokenRefused ? refused.error : formFaults.get(refused.code);
  if (error === undefined) return problem;
  const triedBasic = /^Basic(\s|$)/i.test(request.headers.authorization ?? '');
  const challenge = triedBasic ? `Basic ${realm}, charset="UTF-8"` : `tls_client_auth ${realm}`;
  const { 'www-authenticate': _bearer, ...headers } = problem.headers;
  return {
    // "400 unless specified otherwise", which HTTP does for a body that is too large.
    status: error === 'invalid_client' ? 401 : problem.status === 413 ? 413 : 400,
    headers: {
      ...headers,
      'content-type': 'application/json; charset=utf-8',
      pragma: 'no-cache',
      ...(error === 'invalid_client' && { 'www-authenticate': challenge }),
    },
    body: JSON.stringify({
      error,
      error_description: refused.detail,
      error_uri: `${publicUrl}/errors/${error}`,
    }),
  };
};
