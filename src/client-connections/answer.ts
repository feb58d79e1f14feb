/** What came of one call. */
export type Answer =
  | { kind: 'answered'; status: number; retryAfter?: string; body: string }
  /** `error`: a short name of what went wrong, without addresses or certificate texts. */
  | { kind: 'failed'; error: string }
  /** Nothing was sent, because nothing may be sent to anybody at present; this says nothing about the client. */
  | { kind: 'held_back'; reason: string };
