/** A person as the sign-in knows one; without an issuer the subject is a BSN (domain.md 1). */
export interface GrantingPerson {
  subject: string;
  issuer?: string;
}

/** What a person confirmed for a client; `grantedDays` 0: the end of the subscription. */
export interface Granted {
  /** UUID of the interaction. */
  authorizationId: string;
  clientId: string;
  person: GrantingPerson;
  /** Without `@medmij`. */
  provider: string;
  serviceId: string;
  interfaceVersion: string;
  grantedDays: number;
  authorizedAt: Date;
}

/** A grant as the confirmation makes it, and what its exchange must bring along. */
export interface Consent extends Granted {
  redirectUri: string;
  /** X-Correlation-ID of the authorization request, which the token request must repeat (core.tknint). */
  correlationId: string;
}

/** Life of a code, and of a token (domain.md 4, decided). */
export const lifeS = 900;

/** What a client presents for a token. */
export interface Presented {
  code: string;
  clientId: string;
  redirectUri: string;
  correlationId: string;
  /** Not needed; when it is sent it must be what was granted. */
  scope?: string;
}

/** What is kept of a grant that a code or a token can be held against. */
export interface KeptGrant {
  clientId: string;
  redirectUri: string;
  correlationId: string;
  /** As it stands in the token answer. */
  scope: string;
  codeExpiresAt: Date;
  isExchanged: boolean;
}

/** Why a code is not exchanged; for the log, for the client hears `invalid_grant` whatever it was. */
export type CodeFault = 'unknown' | 'presented_again' | 'other_client' | 'other_redirect_uri' | 'expired';
export type ExchangeFault = CodeFault | 'other_correlation_id' | 'other_scope';

/**
 * Whether a code is good for a token (RFC 6749 section 4.1.3): undefined when it is. That it was used before comes first: whoever
 * presents it again, its token must not live on.
 */
export function faultOf(kept: KeptGrant | undefined, presented: Presented, now: Date): ExchangeFault | undefined {
  if (!kept) return 'unknown';
  if (kept.isExchanged) return 'presented_again';
  if (kept.clientId !== presented.clientId) return 'other_client';
  if (kept.redirectUri !== presented.redirectUri) return 'other_redirect_uri';
  if (kept.codeExpiresAt <= now) return 'expired';
  if (kept.correlationId.toLowerCase() !== presented.correlationId.toLowerCase()) return 'other_correlation_id';
  if (presented.scope !== undefined && presented.scope !== kept.scope) return 'other_scope';
  return undefined;
}

/** Why a token is not believed; for the log, for the client hears the same of all. */
export type TokenFault = 'unknown' | 'expired' | 'revoked' | 'unreadable' | 'other_client';
