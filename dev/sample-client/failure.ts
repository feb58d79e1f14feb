/** Why something did not work, as the page shows it. */
export interface Failure {
  /** Of the authorization interface, the Subscription interface, or our own: `unreachable`, `foreign_answer`. */
  readonly code: string;
  readonly detail: string;
  /** Where the service says more about it. */
  readonly more_information?: string;
  /** Whether there is a request that can be sent again as it was; otherwise only a new authorization helps. */
  readonly repeatable: boolean;
}

/** A request to the service that did not get what it asked for. */
export class CallFailed extends Error {
  constructor(readonly failure: Failure) {
    super(failure.code);
    this.name = 'CallFailed';
  }
}

/** What comes with an error is shown as a link only if it leads to the service: nobody else may send a person anywhere. */
export function linkTo(publicUrl: string, errorUri: string | null | undefined): { more_information?: string } {
  if (!errorUri || !URL.canParse(errorUri)) return {};
  return new URL(errorUri).origin === new URL(publicUrl).origin ? { more_information: errorUri } : {};
}
