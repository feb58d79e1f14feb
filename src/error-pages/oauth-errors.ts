/** The errors of RFC 6749 (sections 4.1.2.1 and 5.2) and RFC 6750 (section 3.1), and our own name for exception 5. */
export const oauthErrors = [
  'invalid_request',
  'unauthorized_client',
  'access_denied',
  'unsupported_response_type',
  'invalid_scope',
  'server_error',
  'temporarily_unavailable',
  'invalid_client',
  'invalid_grant',
  'unsupported_grant_type',
  'invalid_token',
  'insufficient_scope',
  'authorization_failed',
] as const;

export type OAuthError = (typeof oauthErrors)[number];
