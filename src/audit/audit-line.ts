/** One line of the audit trail (domain.md 12): ids, never personal data. */
export interface AuditLine {
  at: Date;
  /** An operator's `sub`, that of an Authorization Server, a client id, `person` or `system`. */
  who: string;
  /** `persons.erase`, `client.suspend`, `token.issue`, ... */
  what: string;
  /** `done`, `already_so`, or the code of the refusal. */
  outcome: string;
  request_id?: string;
  correlation_id?: string;
  subscription_id?: string;
  client_id?: string;
  /** Why, in the operator's own words. */
  reason_text?: string;
  /** Further ids and figures that belong to it. */
  details?: Record<string, unknown>;
}

/** A line as it is kept: something an operator did, or else a step of a request. */
export interface KeptLine extends AuditLine {
  isOperation: boolean;
}
