/** A person whose identity is established. */
export interface SignedIn {
  subject: string;
  /** Names the namespace of the subject; left out it is the BSN's, as our own sign-in leaves it. */
  issuer?: string;
}

/** What a person signs in for: one authorization interaction (`interaction:<id>`), or the pages of one's own. */
export type Purpose = `interaction:${string}` | 'person';

/**
 * How a sign-in ended. `failed`: the identity cannot be established (exception 2): the issuer answered with an error, or with
 * something that does not identify anybody. `outage`: the issuer was away after the person had signed in there (exception 5).
 */
export type SignInOutcome = { kind: 'identified'; person: SignedIn } | { kind: 'failed' } | { kind: 'outage' };
