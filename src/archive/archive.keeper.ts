import {
  type ArchiveMonths,
  type ArchiveStore,
  type CheckpointStore,
  type ClosedStream,
  HeldLease,
  LeaseLost,
  type LogReader,
  type Position,
} from '../event-store';
import {
  type Clock,
  type Database,
  type Logger,
  type LoopState,
  type Queries,
  type StepOutcome,
  WorkLoop,
} from '../platform';
import type { Destruction } from './destruction';
import { archivedUntil, isClosing } from './retention';

/** Events and streams that came back, looked at in one step. */
const pageSize = { events: 500, returned: 200 };
/** Between two pages, so that the work of today goes first. */
const betweenPagesMs = 50;
const idleMs = 2_000;

export interface ArchiveParts {
  database: Database;
  checkpoints: CheckpointStore;
  reader: LogReader;
  archive: ArchiveStore;
  months: ArchiveMonths;
  destruction: Destruction;
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
    const hasMore = [
      await this.archivePage(this.checkpoint),
      await this.archiveReturned(),
      await this.parts.destruction.step((queries) => this.fence(queries)),
    ];
    return hasMore.includes(true) ? { againInMs: betweenPagesMs } : 'idle';
  }

  /** Only who holds the lease moves and destroys; a process that was frozen and overtaken rolls back. @throws LeaseLost */
  private async fence(queries: Queries): Promise<void> {
    const lease = this.lease.current();
    if (!lease || !this.checkpoint) throw new LeaseLost(this.lease.name);
    await this.parts.checkpoints.save(lease, this.checkpoint, queries);
  }

  /** Whether there is more. */
  private async archivePage(after: Position): Promise<boolean> {
    const { reader, database, checkpoints, archive, months, clock, log } = this.parts;
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
    await months.make(closed.map(({ endedAt }) => endedAt));
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
    const { database, archive, months, clock } = this.parts;
    const returned = await archive.returned(pageSize.returned);
    if (returned.length === 0) return false;
    const until = archivedUntil(clock.now());
    const closed = returned.filter(
      ({ type, isOpen, endedAt }) => !isOpen && isClosing(type) && endedAt.getTime() <= until.getTime(),
    );
    await months.make(closed.map(({ endedAt }) => endedAt));
    await database.transaction(async (queries) => {
      await this.fence(queries);
      if (closed.length > 0) await archive.archive(closed, queries);
      await archive.forgetReturned(
        returned.map(({ stream_id: id }) => id),
        queries,
      );
    });
    return returned.length === pageSize.returned;
  }
}
