/**
 * Every answer "no" this service can give, in one closed table: code -> HTTP status and title (contract.md 3).
 * Pure data, so that rules may import it; a new code without a status does not compile.
 */
export const refusals = {
  malformed_request: { status: 400, title: 'The request is malformed' },
  unauthenticated: { status: 401, title: 'No valid credentials were presented' },
  forbidden: { status: 403, title: 'The credentials do not allow this' },
  not_found: { status: 404, title: 'There is nothing here' },
  method_not_allowed: { status: 405, title: 'The method is not allowed on this path' },
  authorization_conflict: { status: 409, title: 'The authorization_id was used before with other content' },
  change_conflict: { status: 409, title: 'The change_id was used before with other content' },
  not_retryable: { status: 409, title: 'This cannot be tried again' },
  probe_failed: { status: 409, title: 'An endpoint of the client does not show who it should be' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The content type is not supported' },
  unknown_client: { status: 422, title: 'The client is not on the client list' },
  scope_invalid: { status: 422, title: 'The scope is not a valid subscribe scope' },
  unknown_service: { status: 422, title: 'The service is not in the service names list' },
  service_not_listed_for_client: { status: 422, title: 'The client list does not name this service for this client' },
  client_endpoints_missing: { status: 422, title: 'The client lacks a notification endpoint for this service' },
  unknown_provider: { status: 422, title: 'The provider is not on the provider list' },
  service_not_offered: { status: 422, title: 'This service is not opened up here for this provider' },
  subscriptions_not_offered: { status: 422, title: 'The provider offers no subscriptions on this service' },
  duration_above_maximum: { status: 422, title: 'The number of days is not within what may be granted' },
  authorization_stale: { status: 422, title: 'The authorization is too old, overtaken or from the future' },
  client_suspended: { status: 422, title: 'The client is suspended' },
  not_subscribed: { status: 422, title: 'There is no such subscription' },
  end_date_beyond_grant: { status: 422, title: 'The end date lies beyond what was granted' },
  end_date_in_past: { status: 422, title: 'The end date lies in the past' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  internal_error: { status: 500, title: 'Something went wrong on our side' },
  unavailable: { status: 503, title: 'The service cannot answer now' },
  projection_behind: { status: 504, title: 'The read model has not reached the asked position yet' },
} as const satisfies Record<string, { status: number; title: string }>;

export type RefusalCode = keyof typeof refusals;

/** One fault in what was sent: where (dotted path, `` for the whole) and what is wrong, never the value itself. */
export interface Fault {
  path: string;
  message: string;
}

/** The answer "no": a code of the table above, a sentence for the caller, and the faults when it is about fields. */
export class Refused extends Error {
  constructor(
    readonly code: RefusalCode,
    readonly detail: string = refusals[code].title,
    readonly faults: readonly Fault[] = [],
  ) {
    super(detail);
    this.name = 'Refused';
  }
}
