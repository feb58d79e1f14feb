import {
  type CheckResult,
  type Database,
  type Logger,
  loopCheck,
  type LoopState,
  Signal,
  type StepOutcome,
  WorkLoop,
} from '../platform';
import { Registry } from 'prom-client';
import type { CheckpointStore, Lease } from './checkpoint.store';
import { HeldLease } from './held-lease';
import type { Lag, LogReader } from './log.reader';
import { PageAhead } from './page-ahead';
import { ParkedStreamStore } from './parked-streams.store';
import { ReaderWatch } from './reader.watch';
import { StreamHistories } from './stream-histories.store';
import { asRecorded, type Fact, type Position, positionText, type StoredEvent, type Upcast } from './stored-event';
import { type Apply, StreamParking } from './stream-parking';

/** Between two looks when the log is quiet: a signal ends it early, so rare looks do while every writer is heard. */
const idleMs = { heard: 1_000, unheard: 50 };
/** Between two looks while something waits behind an older transaction, whose end no signal tells. */
const gatedMs = { first: 10, max: 50 };

export interface FollowerOptions<F extends Fact> {
  /** The reader's name: its lease and its checkpoint. */
  name: string;
  /** Events a page holds at most. */
  pageSize: number;
  /** What must have happened before the checkpoint may move and cannot be part of a transaction (publishing). May be repeated. */
  before?: (page: StoredEvent<F>[]) => Promise<void>;
  /** The effect, in one transaction with the checkpoint: exactly once. A stream whose event it cannot take is parked. */
  apply?: Apply<F>;
  /** Called after the commit. */
  after?: (page: StoredEvent<F>[]) => void;
}

/** What every follower of the log is given. */
export class LogAccess {
  readonly parked: ParkedStreamStore;
  readonly histories: StreamHistories;

  constructor(
    readonly database: Database,
    readonly reader: LogReader,
    readonly checkpoints: CheckpointStore,
    readonly appended: Signal,
    readonly log: Logger,
    readonly upcast: Upcast = asRecorded,
    readonly watch = new ReaderWatch(new Registry(), log),
  ) {
    this.parked = new ParkedStreamStore(database, reader.logName);
    this.histories = new StreamHistories(database);
  }

  /** How far behind the reader of that name is, whichever process runs it. */
  async lagOf(name: string): Promise<Lag> {
    return this.reader.lag(await this.checkpoints.position(name));
  }
}

/**
 * One reader of the log: page after page in order, its checkpoint moved in the same transaction as its effect. It runs in
 * one process at a time by lease; a holder that was frozen and overtaken cannot commit, because its fence is old.
 */
export class LogFollower<F extends Fact> {
  private readonly lease: HeldLease;
  private readonly loop: WorkLoop;
  private readonly wakeUp = new Signal();
  private readonly parking?: StreamParking<F>;
  private readonly pages: PageAhead;
  private checkpoint?: Position;
  /** The checkpoint of the page before, on its way where a page has no transaction of its own. */
  private saving: Promise<void> = Promise.resolve();
  /** Looks in a row that found something, but nothing readable. */
  private gatedLooks = 0;

  constructor(
    private readonly access: LogAccess,
    private readonly options: FollowerOptions<F>,
  ) {
    this.lease = new HeldLease(access.checkpoints, options.name);
    const { apply, name, pageSize } = options;
    this.pages = new PageAhead(access.reader, pageSize);
    if (apply) this.parking = new StreamParking(access, name, pageSize, apply);
    this.loop = new WorkLoop({
      name: options.name,
      step: () => this.step(),
      idleMs: idleMs.unheard,
      wakeUp: this.wakeUp,
      log: access.log,
    });
  }

  get name(): string {
    return this.options.name;
  }

  start(): void {
    this.access.appended.on(this.onAppended);
    this.access.checkpoints.released.on(this.onReleased);
    this.loop.start();
  }

  async stop(): Promise<void> {
    this.access.appended.off(this.onAppended);
    this.access.checkpoints.released.off(this.onReleased);
    await this.loop.stop();
    await this.saving.catch(() => undefined);
    await this.lease.giveBack();
  }

  state(): LoopState & { holding: boolean } {
    return { ...this.loop.state(), holding: this.lease.current() !== undefined };
  }

  /** How the reader is doing, for readiness: a stream that is parked waits for an operator. */
  async check(): Promise<CheckResult> {
    const loop = loopCheck(this.loop.state());
    if (loop.status !== 'ok') return loop;
    const parked = (await this.access.parked.of(this.name)).size;
    return parked === 0
      ? loop
      : { status: 'degraded', reason: `${parked} stream(s) are parked, see /ops/api/parked; the others go on` };
  }

  /** Asked of the database, so that it is true in a process that does not hold the lease too. */
  async position(): Promise<Position> {
    return this.access.checkpoints.position(this.options.name);
  }

  async lag(): Promise<Lag> {
    return this.access.lagOf(this.options.name);
  }

  /** A process that waits for the lease has nothing to do with what is appended, and the holder nothing with who releases. */
  private readonly onAppended = (): void => {
    if (this.lease.current()) this.wakeUp.raise();
  };
  private readonly onReleased = (): void => {
    if (!this.lease.current()) this.wakeUp.raise();
  };

  private async step(): Promise<StepOutcome> {
    try {
      if (!this.lease.current() || !this.checkpoint) {
        this.checkpoint = await this.lease.take();
        if (!this.checkpoint) return { againInMs: await this.lease.freeInMs() };
        await this.parking?.load();
        this.access.log.info({ reader: this.name, position: positionText(this.checkpoint) }, 'log.reader.took_over');
      }
      return await this.page(this.checkpoint);
    } catch (error) {
      // Whatever went wrong, the memory of where we were is not to be trusted: start again from the stored checkpoint.
      await this.lease.giveBack().catch(() => undefined);
      this.checkpoint = undefined;
      this.saving = Promise.resolve();
      throw error;
    }
  }

  private async page(after: Position): Promise<StepOutcome> {
    const { pageSize, before } = this.options;
    const held = this.lease.current();
    if (held) await this.parking?.replayAsked(held, after);
    const startedMs = performance.now();
    const page = (await this.pages.page(after)) as StoredEvent<F>[];
    const readMs = performance.now() - startedMs;
    const last = page.at(-1);
    if (!last) {
      await this.saving;
      return { againInMs: await this.pauseMs(after) };
    }
    this.gatedLooks = 0;
    await before?.(page);
    const lease = this.lease.current();
    if (!lease) return 'more';
    if (this.parking) await this.parking.applyPage(page, lease);
    else await this.saveMeanwhile(lease, last.position);
    this.checkpoint = last.position;
    this.options.after?.(page);
    const durationMs = performance.now() - startedMs;
    this.access.watch.done({ reader: this.name, page, after, readMs, durationMs });
    if (page.length === pageSize) return 'more';
    await this.saving;
    // A page that is not full ends at the gate or at the end of the log: the next look, if it is empty, tells which.
    return { againInMs: gatedMs.first };
  }

  /** While the next page goes out: after a failure it is two pages at most that go out again, and checkpoints move in their order. */
  private async saveMeanwhile(lease: Lease, position: Position): Promise<void> {
    await this.saving;
    this.saving = this.access.checkpoints.save(lease, position);
    // Whoever waits for it next sees the failure.
    this.saving.catch(() => undefined);
  }

  private async pauseMs(after: Position): Promise<number> {
    if (await this.access.reader.hasUnread(after)) {
      this.gatedLooks += 1;
      return Math.min(gatedMs.first * this.gatedLooks, gatedMs.max);
    }
    this.gatedLooks = 0;
    return this.access.appended.isShared ? idleMs.heard : idleMs.unheard;
  }
}
