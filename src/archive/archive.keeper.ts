import type { DestructionRecords } from '../audit';
import {
  type ArchiveStore,
  type CheckpointStore,
  type ClosedStream,
  type DestroyedEvent,
  HeldLease,
  type LogReader,
  type Position,
} from '../event-store';
import { forgetNotified } from '../notifications';
import {
  type Clock,
  type Database,
  type Logger,
  type LoopState,
  type Queries,
  type StepOutcome,
  WorkLoop,
} from '../platform';
import type { ProjectionOperations, SubscriptionViewStore } from '../projections';
import { answersForgottenBefore, archivedUntil, destroyedBefore, isClosing } from './retention';

/** Events looked at, streams destroyed, streams that came back looked at, and answers forgotten in one step. */
const pageSize = { events: 500, destroyed: 200, returned: 200, answers: 1_000 };
/** Between two pages, so that the work of today goes first. */
const betweenPagesMs = 50;
const idleMs = 2_000;
/** Between two looks for answers that are old enough. */
const answersEveryMs = 60 * 60 * 1000;

export interface ArchiveParts {
  database: Database;
  checkpoints: CheckpointStore;
  reader: LogReader;
  archive: ArchiveStore;
  views: SubscriptionViewStore;
  projections: Pick<ProjectionOperations, 'all'>;
  destructions: DestructionRecords;
  clock: Clock;
  log: Logger;
}

/**
 * Follows the log 30 days behind, moves to the archive what was closed then and has stayed so, and destroys what has been kept for its
 * time. In one process at a time by lease, in small pieces.
 */
export class ArchiveKeeper {
  private readonly lease: HeldLease;
  private readonly loop: WorkLoop;
  private checkpoint?: Position;
  private answersLookedAtMs = -Infinity;

  constructor(private readonly parts: ArchiveParts) {
    const { checkpoints, log } = parts;
    this.lease = new HeldLease(checkpoints, 'archive');
    this.loop = new WorkLoop({
      name: 'archive',
      step: () => this.step(),
      idleMs,
      wakeUp: checkpoints.released,
      log,
    });
  }

  start(): void {
    this.loop.start();
  }

  async stop(): Promise<void> {
    await this.loop.stop();
    await this.lease.giveBack();
  }

  state(): LoopState {
    return this.loop.state();
  }

  private async step(): Promise<StepOutcome> {
    if (!this.lease.current() || !this.checkpoint) {
      this.checkpoint = await this.lease.take();
      if (!this.checkpoint) return { againInMs: await this.lease.freeInMs() };
    }
    const hasMore = [await this.archivePage(this.checkpoint), await this.archiveReturned(), await this.destroy()];
    return hasMore.includes(true) ? { againInMs: betweenPagesMs } : 'idle';
  }

  /** Whether there is more. */
  private async archivePage(after: Position): Promise<boolean> {
    const { reader, database, checkpoints, archive, clock, log } = this.parts;
    const until = archivedUntil(clock.now());
    const page = await reader.page(after, pageSize.events);
    const young = page.findIndex(({ occurred_at: at }) => at > until);
    const old = young < 0 ? page : page.slice(0, young);
    const last = old.at(-1);
    const lease = this.lease.current();
    if (!last || !lease) return false;
    const closed = old
      .filter(({ type }) => isClosing(type))
      .map(({ stream_id, version, occurred_at: endedAt }): ClosedStream => ({ stream_id, version, endedAt }));
    await archive.makeMonths(closed.map(({ endedAt }) => endedAt));
    const streams = await database.transaction(async (queries) => {
      await checkpoints.save(lease, last.position, queries);
      return closed.length > 0 ? archive.archive(closed, queries) : 0;
    });
    this.checkpoint = last.position;
    if (streams > 0) log.info({ streams }, 'archive.moved');
    return old.length === pageSize.events;
  }

  /** A stream that came back goes again when nothing was written to it; when something was, its next end is met on the way. */
  private async archiveReturned(): Promise<boolean> {
    const { database, archive, clock } = this.parts;
    const returned = await archive.returned(pageSize.returned);
    if (returned.length === 0) return false;
    const until = archivedUntil(clock.now());
    const closed = returned.filter(
      ({ type, isOpen, endedAt }) => !isOpen && isClosing(type) && endedAt.getTime() <= until.getTime(),
    );
    await archive.makeMonths(closed.map(({ endedAt }) => endedAt));
    await database.transaction(async (queries) => {
      if (closed.length > 0) await archive.archive(closed, queries);
      await archive.forgetReturned(
        returned.map(({ stream_id: id }) => id),
        queries,
      );
    });
    return returned.length === pageSize.returned;
  }

  private async destroy(): Promise<boolean> {
    const { archive, projections, destructions, clock, log } = this.parts;
    const now = clock.now();
    const before = destroyedBefore(now);
    if (!(await archive.isAnythingOver(before))) return this.forgetAnswers(now);
    // A version that is being built would bring back to the view what it has read already.
    if ((await projections.all()).some(({ rebuild }) => rebuild !== null)) return false;
    const streams = await archive.destroy(before, pageSize.destroyed, (events, queries) =>
      this.forget(events, queries),
    );
    if (streams > 0) log.info({ streams }, 'archive.destroyed');
    if (streams === pageSize.destroyed) return true;
    await archive.dropMonths(before, async ({ from, to, rows }, queries) => {
      await destructions.write({ what: 'archived_event', from, to, rows, at: now }, queries);
      log.info({ from, to, rows }, 'archive.month_destroyed');
    });
    return false;
  }

  private async forget(events: readonly DestroyedEvent[], queries: Queries): Promise<void> {
    const ids = new Set(events.map(({ data }) => (data as { subscription_id: string }).subscription_id));
    await this.parts.views.forget([...ids], queries);
    await forgetNotified([...ids], queries);
  }

  private async forgetAnswers(now: Date): Promise<boolean> {
    if (performance.now() - this.answersLookedAtMs < answersEveryMs) return false;
    const { archive } = this.parts;
    if ((await archive.forgetCommands(answersForgottenBefore(now), pageSize.answers)) === pageSize.answers) return true;
    this.answersLookedAtMs = performance.now();
    return false;
  }
}
