/** How much and how long; tests make them small. */
export const limits = {
  /** Requests being answered at once; one more is told to come back. */
  requestsInFlightMax: 1_000,
  /** Connections at once; one more is closed at once. */
  connectionsMax: 5_000,
  /** From its first byte: for the headers, and for the whole of a request. */
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  timeoutsCheckedEveryMs: 1_000,
  /** Longer than proxies keep a connection they do not use (60 s as a rule), so that it is never we who close it on them. */
  keepAliveTimeoutMs: 72_000,
};
export type HttpLimits = typeof limits;
