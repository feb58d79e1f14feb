import { bsnNamespace, type KnownSubject, type PersonHolder, type RequestFingerprint } from '../persons';
import type { SignedIn } from '../sign-in';
import type { InteractionStore } from './interaction.store';

/** Interactions compared at a time: only open ones and those of the last minute know whom they were shown to. */
const comparedMax = 500;
const beforeAll = '00000000-0000-0000-0000-000000000000';

/** Tells persons of one interaction apart; without our key it tells nothing, and nothing across interactions. */
export function shownToOf(
  fingerprints: RequestFingerprint,
  interactionId: string,
  { subject, issuer = bsnNamespace }: SignedIn,
): Buffer {
  return fingerprints.of(['interaction', interactionId, issuer, subject]);
}

/** Whom statements were shown to, as far as anybody still has to know. */
export class ShownInteractions implements PersonHolder {
  constructor(
    private readonly store: InteractionStore,
    private readonly fingerprints: RequestFingerprint,
  ) {}

  /** An open interaction asks anew whoever comes back to it. */
  async forgetPerson(person: KnownSubject): Promise<void> {
    let after = beforeAll;
    for (let isMore = true; isMore;) {
      const page = await this.store.shownAfter(after, comparedMax);
      const theirs = page.filter(({ interaction_id: id, shown_to: shownTo }) =>
        shownTo.equals(shownToOf(this.fingerprints, id, person)),
      );
      if (theirs.length > 0) await this.store.forgetShown(theirs.map((row) => row.interaction_id));
      isMore = page.length === comparedMax;
      after = page.at(-1)?.interaction_id ?? after;
    }
  }
}
