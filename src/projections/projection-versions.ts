import {
  HeldLease,
  type Fact,
  type LogAccess,
  type LogFollower,
  type ParkedStreamStore,
  startOfLog,
} from '../event-store';
import {
  type CheckResult,
  loopCheck,
  type Queries,
  type Signal,
  sqlState,
  type StepOutcome,
  WorkLoop,
} from '../platform';
import { otherSlot, type ProjectionState, type ProjectionStore, readerOf, type Slot } from './projection.store';
import { createProjector } from './subscription.projector';
import { subscriptions, type SubscriptionViewStore } from './subscription-view.store';

/** Between two looks at what operators want; a signal ends it early in the process that they asked. */
const idleMs = 1_000;
/** A version that is further behind the live one than this, by the numbers of the events, need not try to take its place yet. */
const eventsBehindMax = 1_000;
const lockNotAvailable = '55P03';

/**
 * Keeps the live version of the subscription view up to date, and brings the other slot there when an operator has asked for
 * it: emptied and filled from the start of the log (a rebuild), or caught up from where the version before was left (a switch
 * back). At the end the two change places in one transaction.
 *
 * Any number of processes may run it: each slot is filled under the lease of its own reader, and everything that has been done
 * stands in the database, so that whoever comes next goes on from there.
 */
export class ProjectionVersions {
  private readonly loop: WorkLoop;
  private readonly parked: ParkedStreamStore;
  private readonly projectors = new Map<Slot, LogFollower<Fact>>();
  private live?: Slot;
  /** The version whose slot has got its figures for the planner of queries. */
  private analyzed?: number | null;

  constructor(
    private readonly access: LogAccess,
    private readonly projections: ProjectionStore,
    private readonly views: SubscriptionViewStore,
    private readonly moved: Signal,
    private readonly asked: Signal,
  ) {
    this.parked = access.parked;
    this.loop = new WorkLoop({
      name: 'projection versions',
      step: () => this.step(),
      idleMs,
      wakeUp: asked,
      log: access.log,
    });
  }

  start(): void {
    this.loop.start();
  }

  async stop(): Promise<void> {
    await this.loop.stop();
    await Promise.all([...this.projectors.keys()].map((slot) => this.stopProjector(slot)));
  }

  /** For readiness. */
  async check(): Promise<CheckResult> {
    const loop = loopCheck(this.loop.state());
    const projector = this.live === undefined ? undefined : this.projectors.get(this.live);
    return loop.status === 'ok' && projector ? projector.check() : loop;
  }

  private async step(): Promise<StepOutcome> {
    const state = await this.projections.find(subscriptions);
    if (!state) throw new Error(`The projection ${subscriptions} is not in the database.`);
    this.live = state.live_slot;
    const other = otherSlot(state.live_slot);
    const mustBeEmptied = state.task === 'rebuild' && !state.emptied;
    this.startProjector(state.live_slot);
    if (state.task && !mustBeEmptied) this.startProjector(other);
    else await this.stopProjector(other);
    if (mustBeEmptied) return (await this.empty(state.live_slot)) ? 'more' : 'idle';
    if (state.task) return (await this.switchWhenCaughtUp(state)) ? 'more' : 'idle';
    return 'idle';
  }

  private startProjector(slot: Slot): void {
    if (this.projectors.has(slot)) return;
    const projector = createProjector(this.access, this.views, slot, (isAtEnd) => {
      if (slot === this.live) this.moved.raise();
      // What is being built may be complete now.
      else if (isAtEnd) this.asked.raise();
    });
    this.projectors.set(slot, projector);
    projector.start();
  }

  private async stopProjector(slot: Slot): Promise<void> {
    const projector = this.projectors.get(slot);
    this.projectors.delete(slot);
    await projector?.stop();
  }

  /** Makes the other slot ready for a rebuild, under the lease of its reader; false when it must be tried again later. */
  private async empty(live: Slot): Promise<boolean> {
    const slot = otherSlot(live);
    const held = new HeldLease(this.access.checkpoints, readerOf(subscriptions, slot));
    // Another process that still fills the slot, or empties it already, is waited for.
    if (!(await held.take())) return false;
    try {
      const lease = held.current();
      if (!lease) return false;
      await this.access.database.transaction(async (queries) => {
        await this.access.checkpoints.save(lease, startOfLog, queries);
        if (!(await this.projections.noteEmptied(subscriptions, slot, queries))) return;
        await this.parked.forget(lease.name, queries);
        await this.views.empty(slot, queries);
      });
      return true;
    } catch (error) {
      // Long reads are not shut out: whoever reads goes first.
      if (sqlState(error) === lockNotAvailable) return false;
      throw error;
    } finally {
      await held.giveBack();
    }
  }

  private async switchWhenCaughtUp(state: ProjectionState): Promise<boolean> {
    const slot = otherSlot(state.live_slot);
    const { access, projections } = this;
    const [built, live] = await Promise.all([
      access.checkpoints.position(readerOf(subscriptions, slot)),
      projections.position(subscriptions),
    ]);
    if (Number(live.pos) - Number(built.pos) > eventsBehindMax) return false;
    if (this.analyzed !== state.other_version) await this.views.analyze(slot);
    this.analyzed = state.other_version;
    const switched = await access.database.transaction(async (queries) => {
      await projections.holdStill(state.name, queries);
      // Asked only now: up to this moment the one being built may have parked another stream.
      if (state.task === 'rebuild' && (await this.hasParkedMore(state.live_slot, queries))) return undefined;
      return projections.switch(state, queries);
    });
    if (!switched) return false;
    this.live = switched.live_slot;
    access.log.info(
      { projection: switched.name, version: switched.live_version, task: state.task },
      'projection.switched',
    );
    this.moved.raise();
    return true;
  }

  /** A rebuilt version must not know less than the one it replaces: it waits until what it stumbled over has been replayed. */
  private async hasParkedMore(live: Slot, queries: Queries): Promise<boolean> {
    const parkedLive = await this.parked.of(readerOf(subscriptions, live), queries);
    const parkedNew = await this.parked.of(readerOf(subscriptions, otherSlot(live)), queries);
    return [...parkedNew.keys()].some((streamId) => !parkedLive.has(streamId));
  }
}
