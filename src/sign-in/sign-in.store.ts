import type { Database } from '../platform';
import type { Purpose } from './sign-in.outcome';

/** A sign-in under way at the issuer. */
export interface SignInUnderWay {
  purpose: Purpose;
  continueAt: string;
  nonce: string;
  codeVerifier: string;
  startedAt: Date;
}

/** How a sign-in ended; the person sealed, as subjects are (domain.md 12). */
export type StoredOutcome =
  { kind: 'identified'; person: { sealed: Buffer; keyId: string } } | { kind: 'failed' | 'outage' };

/** A session of somebody who was identified. */
export interface SealedSession {
  sessionHash: Buffer;
  person: { sealed: Buffer; keyId: string };
}

/** Rows one sweep deletes from each table. */
const sweptMax = 1_000;

/** Sign-ins under way, and sessions of persons: both by hashes of secrets that only the browser has. */
export class SignInStore {
  constructor(private readonly database: Database) {}

  async begin(stateHash: Buffer, browserHash: Buffer, signIn: SignInUnderWay): Promise<void> {
    await this.database.query(
      'sign-in.begin',
      `insert into sign_in (state_hash, browser_hash, purpose, continue_at, nonce, code_verifier, started_at)
       values ($1, $2, $3, $4, $5, $6, $7)`,
      [stateHash, browserHash, signIn.purpose, signIn.continueAt, signIn.nonce, signIn.codeVerifier, signIn.startedAt],
    );
  }

  /** Takes the sign-in out, so that its answer counts once; another browser's stays where it is. */
  async take(stateHash: Buffer, browserHash: Buffer, startedAfter: Date): Promise<SignInUnderWay | undefined> {
    const [row] = await this.database.query<{
      purpose: Purpose;
      continue_at: string;
      nonce: string;
      code_verifier: string;
      started_at: Date;
    }>(
      'sign-in.take',
      `delete from sign_in where state_hash = $1 and browser_hash = $2 and started_at > $3
       returning purpose, continue_at, nonce, code_verifier, started_at`,
      [stateHash, browserHash, startedAfter],
    );
    return (
      row && {
        purpose: row.purpose,
        continueAt: row.continue_at,
        nonce: row.nonce,
        codeVerifier: row.code_verifier,
        startedAt: row.started_at,
      }
    );
  }

  async open(sessionHash: Buffer, purpose: Purpose, outcome: StoredOutcome, now: Date): Promise<void> {
    const person = outcome.kind === 'identified' ? outcome.person : undefined;
    await this.database.query(
      'person-session.open',
      `insert into person_session (session_hash, purpose, outcome, sealed_person, key_id, signed_in_at, last_seen_at)
       values ($1, $2, $3, $4, $5, $6, $6)`,
      [sessionHash, purpose, outcome.kind, person?.sealed ?? null, person?.keyId ?? null, now],
    );
  }

  /** The session when it is for this purpose and lies within both limits; it counts as seen now. */
  async see(
    sessionHash: Buffer,
    purpose: Purpose,
    { now, signedInAfter, seenAfter }: { now: Date; signedInAfter: Date; seenAfter: Date },
  ): Promise<StoredOutcome | undefined> {
    const [row] = await this.database.query<{
      outcome: StoredOutcome['kind'];
      sealed_person: Buffer | null;
      key_id: string | null;
    }>(
      'person-session.see',
      `update person_session set last_seen_at = greatest(last_seen_at, $3)
       where session_hash = $1 and purpose = $2 and signed_in_at > $4 and last_seen_at > $5
       returning outcome, sealed_person, key_id`,
      [sessionHash, purpose, now, signedInAfter, seenAfter],
    );
    if (row?.outcome !== 'identified') return row && { kind: row.outcome };
    return { kind: 'identified', person: { sealed: row.sealed_person!, keyId: row.key_id! } };
  }

  async end(sessionHash: Buffer): Promise<void> {
    await this.database.query('person-session.end', 'delete from person_session where session_hash = $1', [
      sessionHash,
    ]);
  }

  /** Sessions that know a person, by their hashes, `limit` after `after`. */
  async identifiedAfter(after: Buffer, limit: number): Promise<SealedSession[]> {
    const rows = await this.database.query<{ session_hash: Buffer; sealed_person: Buffer; key_id: string }>(
      'person-session.identified-after',
      `select session_hash, sealed_person, key_id from person_session
       where session_hash > $1 and sealed_person is not null order by session_hash limit $2`,
      [after, limit],
    );
    return rows.map((row) => ({
      sessionHash: row.session_hash,
      person: { sealed: row.sealed_person, keyId: row.key_id },
    }));
  }

  /** Some of what began before these moments and is over. True when there may be more. */
  async sweep(startedBefore: Date, signedInBefore: Date): Promise<boolean> {
    const swept = async (table: string, key: string, moment: string, before: Date) => {
      const rows = await this.database.query(
        `${table}.sweep`,
        `delete from ${table} where ${key} in (
           select ${key} from ${table} where ${moment} <= $1 order by ${moment} limit ${sweptMax} for update skip locked)
         returning true as swept`,
        [before],
      );
      return rows.length === sweptMax;
    };
    const signIns = await swept('sign_in', 'state_hash', 'started_at', startedBefore);
    const sessions = await swept('person_session', 'session_hash', 'signed_in_at', signedInBefore);
    return signIns || sessions;
  }
}
