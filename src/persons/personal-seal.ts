import type { PersonKey } from './person-key';

/** Something sealed, and the key that opens it. */
export interface Sealed {
  sealed: Buffer;
  keyId: string;
}

/** Seals what holds a subject and must be kept for a while, as subjects themselves are sealed (domain.md 12). */
export class PersonalSeal {
  constructor(
    private readonly key: PersonKey,
    private readonly previousKey?: PersonKey,
  ) {}

  /** Bound to `context`, such as the id of its row: a sealed value cannot be moved to another row. */
  seal(plain: Buffer, context: string): Sealed {
    return { sealed: this.key.seal(plain, context), keyId: this.key.id };
  }

  /** Undefined when the key it was sealed under is gone. @throws when it was changed or moved since. */
  open({ sealed, keyId }: Sealed, context: string): Buffer | undefined {
    return [this.key, this.previousKey].find((key) => key?.id === keyId)?.open(sealed, context);
  }
}
