import type { Database } from '../platform';
import type { Operator } from '../http';

/** A sign-in under way at the operators' issuer. */
export interface OperatorSignIn {
  continueAt: string;
  nonce: string;
  codeVerifier: string;
  startedAt: Date;
}

/** Rows that one sweep deletes from each table. */
const sweptMax = 1_000;

/** Sign-ins of operators under way, and their sessions: both by hashes of secrets that only the browser has. */
export class OperatorSessionStore {
  constructor(private readonly database: Database) {}

  async begin(stateHash: Buffer, browserHash: Buffer, signIn: OperatorSignIn): Promise<void> {
    await this.database.query(
      'operator-sign-in.begin',
      `insert into operator_sign_in (state_hash, browser_hash, continue_at, nonce, code_verifier, started_at)
       values ($1, $2, $3, $4, $5, $6)`,
      [stateHash, browserHash, signIn.continueAt, signIn.nonce, signIn.codeVerifier, signIn.startedAt],
    );
  }

  /** Takes the sign-in out, so that its answer counts once; another browser's stays where it is. */
  async take(stateHash: Buffer, browserHash: Buffer, startedAfter: Date): Promise<OperatorSignIn | undefined> {
    const [row] = await this.database.query<{
      continue_at: string;
      nonce: string;
      code_verifier: string;
      started_at: Date;
    }>(
      'operator-sign-in.take',
      `delete from operator_sign_in where state_hash = $1 and browser_hash = $2 and started_at > $3
       returning continue_at, nonce, code_verifier, started_at`,
      [stateHash, browserHash, startedAfter],
    );
    return (
      row && {
        continueAt: row.continue_at,
        nonce: row.nonce,
        codeVerifier: row.code_verifier,
        startedAt: row.started_at,
      }
    );
  }

  async open(sessionHash: Buffer, { subject, scopes }: Operator, now: Date): Promise<void> {
    await this.database.query(
      'operator-session.open',
      `insert into operator_session (session_hash, subject, scopes, signed_in_at, last_seen_at) values ($1, $2, $3, $4, $4)`,
      [sessionHash, subject, scopes, now],
    );
  }

  /** Whose session it is when it lies within both limits; it counts as seen now, written down once in `seenEveryMs`. */
  async see(
    sessionHash: Buffer,
    moments: { now: Date; signedInAfter: Date; seenAfter: Date; seenEveryMs: number },
  ): Promise<Operator | undefined> {
    const [row] = await this.database.query<Operator & { is_old: boolean }>(
      'operator-session.find',
      `select subject, scopes, last_seen_at < $2::timestamptz - $5 * interval '1 millisecond' as is_old from operator_session
       where session_hash = $1 and signed_in_at > $3 and last_seen_at > $4`,
      [sessionHash, moments.now, moments.signedInAfter, moments.seenAfter, moments.seenEveryMs],
    );
    if (!row) return undefined;
    if (row.is_old) {
      await this.database.query(
        'operator-session.see',
        'update operator_session set last_seen_at = greatest(last_seen_at, $2) where session_hash = $1',
        [sessionHash, moments.now],
      );
    }
    return { subject: row.subject, scopes: row.scopes };
  }

  async end(sessionHash: Buffer): Promise<void> {
    await this.database.query('operator-session.end', 'delete from operator_session where session_hash = $1', [
      sessionHash,
    ]);
  }

  /** Some of what began before these moments and is over. */
  async sweep(startedBefore: Date, signedInBefore: Date): Promise<void> {
    await this.database.query(
      'operator-sign-in.sweep',
      `delete from operator_sign_in where state_hash in (
         select state_hash from operator_sign_in where started_at <= $1 order by started_at limit ${sweptMax} for update skip locked)`,
      [startedBefore],
    );
    await this.database.query(
      'operator-session.sweep',
      `delete from operator_session where session_hash in (
         select session_hash from operator_session where signed_in_at <= $1 order by signed_in_at limit ${sweptMax} for update skip locked)`,
      [signedInBefore],
    );
  }
}
