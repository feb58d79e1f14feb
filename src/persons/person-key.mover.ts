import { type CheckpointStore, HeldLease } from '../event-store';
import { type CheckResult, type Clock, type Logger, loopCheck, type StepOutcome, WorkLoop } from '../platform';
import { knownSubjectIn } from './known-subject';
import type { PersonKey } from './person-key';
import type { KeyMove, KeyMoveState, MovedPerson, PersonKeyMoveStore, PersonRow } from './person-key-move.store';

/** Persons moved in one transaction; each of them is locked in it. */
const pageSize = 200;
/** Between two looks after the last walk: a process that still has the old key first may have made another row. */
const lookAgainMs = 10 * 60 * 1000;
const idleMs = 10_000;

export interface MoverParts {
  checkpoints: CheckpointStore;
  store: PersonKeyMoveStore;
  key: PersonKey;
  previousKey: PersonKey;
  clock: Clock;
  log: Logger;
}

/**
 * Moves every person from the previous PERSON_KEY to the present one, while the service goes on: the hash by which they are found and the
 * sealed subject. In one process at a time by lease; where it stands is in the database, so whoever is next goes on from there.
 */
export class PersonKeyMover {
  private readonly lease: HeldLease;
  private readonly loop: WorkLoop;
  private readonly move: KeyMove;

  constructor(private readonly parts: MoverParts) {
    const { checkpoints, key, previousKey, log } = parts;
    this.move = { from: previousKey.id, to: key.id };
    this.lease = new HeldLease(checkpoints, 'person key');
    const wakeUp = checkpoints.released;
    this.loop = new WorkLoop({ name: 'person key', step: () => this.step(), idleMs, wakeUp, log });
  }

  start(): void {
    this.loop.start();
  }

  async stop(): Promise<void> {
    await this.loop.stop();
    await this.lease.giveBack();
  }

  /** For readiness: degraded while somebody would be lost with the previous key, though nothing is left to be moved. */
  async check(): Promise<CheckResult> {
    const loop = loopCheck(this.loop.state());
    if (loop.status !== 'ok') return loop;
    const left = (await this.parts.store.state(this.move))?.left_behind ?? 0;
    if (left === 0) return loop;
    return { status: 'degraded', reason: `${left} persons could not be moved to the present PERSON_KEY` };
  }

  /** The part of the persons that has been walked over, 0 to 1; 1 once a whole walk has found nobody to move. */
  async progress(): Promise<number> {
    return progressOf(await this.parts.store.state(this.move));
  }

  private async step(): Promise<StepOutcome> {
    if (!this.lease.current() && !(await this.lease.take())) return { againInMs: await this.lease.freeInMs() };
    const { store, clock, log } = this.parts;
    const state = await store.begin(this.move, clock.now());
    const finishedMs = state.finished_at?.getTime();
    if (finishedMs !== undefined && clock.now().getTime() - finishedMs < lookAgainMs) return 'idle';
    const page = await store.page(state.walked_to, pageSize);
    const theirs = page.filter(({ key_id: keyId }) => keyId === this.move.from);
    const unknown = page.filter(({ key_id: keyId }) => keyId !== this.move.from && keyId !== this.move.to);
    const to = page.at(-1)?.person_id ?? state.walked_to;
    const readable = theirs.flatMap((row) => this.moved(row) ?? []);
    await store.move(this.move, readable, { to, unknown: unknown.length + theirs.length - readable.length });
    if (page.length === pageSize) return 'more';
    const ended = await store.endWalk(this.move, clock.now());
    const { moved, left_behind: left } = ended;
    log.info({ moved, left_behind: left, finished: ended.finished_at !== null }, 'person_key.walked');
    return ended.finished_at ? 'idle' : 'more';
  }

  /** Undefined for a row that was changed since it was sealed: it must not keep those behind it under the old key. */
  private moved({ person_id: personId, sealed_subject: sealed }: PersonRow): MovedPerson | undefined {
    const { key, previousKey, log } = this.parts;
    try {
      const plain = previousKey.open(sealed, personId);
      const { issuer, subject } = knownSubjectIn(plain);
      return {
        personId,
        subjectHash: key.subjectHash(issuer, subject),
        previousSubjectHash: previousKey.subjectHash(issuer, subject),
        sealedSubject: key.seal(plain, personId),
      };
    } catch {
      // Not even the error goes to the log: it may quote what was opened.
      log.error({ person_id: personId }, 'person_key.unreadable');
      return undefined;
    }
  }
}

/** Ids are random, so the first of their digits say how many lie before. */
function progressOf(state: KeyMoveState | undefined): number {
  if (!state) return 0;
  if (state.finished_at) return 1;
  return parseInt(state.walked_to.slice(0, 8), 16) / 2 ** 32;
}
