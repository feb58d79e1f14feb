import { type Lag, type LogReader, type Position, startOfLog } from '../event-store';
import type { Database, Queries } from '../platform';

/** A place for one version of a projection. There are two: one is read, the other is free to build in. */
export type Slot = 0 | 1;

export const otherSlot = (slot: Slot): Slot => (slot === 0 ? 1 : 0);

/** `rebuild`: from the start of the log, in an emptied slot. `switch_back`: the version before is caught up. Then they change places. */
export type ProjectionTask = 'rebuild' | 'switch_back';

/** Which versions of a projection there are, and what is being done about them. */
export interface ProjectionState {
  name: string;
  live_slot: Slot;
  live_version: number;
  /** In the other slot: the version before the live one, or the one being built. */
  other_version: number | null;
  task: ProjectionTask | null;
  /** Whether the other slot has been emptied for the rebuild. */
  emptied: boolean;
  /** When the live version was last compared with a fresh fold, and how many subscriptions differed. */
  checked_at: Date | null;
  differing: number | null;
}

/** The name of the reader that fills a slot: its lease, its checkpoint, its parked streams. */
export function readerOf(name: string, slot: Slot): string {
  return `projection:${name}:${slot}`;
}

const columns = 'name, live_slot, live_version, other_version, task, emptied, checked_at, differing';

/** The projections of this log: their versions, and how far each has come. */
export class ProjectionStore {
  constructor(
    private readonly database: Database,
    private readonly reader: LogReader,
  ) {}

  async find(name: string, queries: Queries = this.database): Promise<ProjectionState | undefined> {
    const [row] = await queries.query<ProjectionState>(
      'projection.find',
      `select ${columns} from projection where name = $1`,
      [name],
    );
    return row;
  }

  async all(): Promise<ProjectionState[]> {
    return this.database.query('projection.all', `select ${columns} from projection order by name`);
  }

  /** Where the live version stands; one statement, so that it is true whatever is switched meanwhile. */
  async position(name: string, queries: Queries = this.database): Promise<Position> {
    const [row] = await queries.query<{ epoch: number; xid: string; pos: string }>(
      'projection.position',
      `select r.epoch, r.xid::text, r.pos::text
       from projection p join log_reader r on r.log = $1 and r.name = 'projection:' || p.name || ':' || p.live_slot
       where p.name = $2`,
      [this.reader.logName, name],
    );
    return row ?? startOfLog;
  }

  async lag(name: string): Promise<Lag> {
    return this.reader.lag(await this.position(name));
  }

  /** Undefined when there is no such projection. One that is being rebuilt already goes on. */
  async askRebuild(name: string): Promise<ProjectionState | undefined> {
    const [row] = await this.database.query<ProjectionState>(
      'projection.ask-rebuild',
      `update projection
       set task = 'rebuild', emptied = false, other_version = greatest(live_version, other_version) + 1
       where name = $1 and task is distinct from 'rebuild'
       returning ${columns}`,
      [name],
    );
    return row ?? this.find(name);
  }

  /** Undefined when there is no such projection or no version before the live one. */
  async askSwitchBack(name: string): Promise<ProjectionState | undefined> {
    const [row] = await this.database.query<ProjectionState>(
      'projection.ask-switch-back',
      `update projection set task = 'switch_back'
       where name = $1 and other_version is not null and task is distinct from 'rebuild'
       returning ${columns}`,
      [name],
    );
    return row;
  }

  /** Notes that the other slot is empty; false when that is not what is wanted any more. Waits for others who decide about it. */
  async noteEmptied(name: string, slot: Slot, queries: Queries): Promise<boolean> {
    const rows = await queries.query(
      'projection.emptied',
      `update projection set emptied = true
       where name = $1 and live_slot <> $2 and task = 'rebuild' and not emptied returning 1`,
      [name, slot],
    );
    return rows.length > 0;
  }

  /** Holds the readers of both slots where they are until the end of the transaction. */
  async holdStill(name: string, queries: Queries): Promise<void> {
    await queries.query(
      'projection.hold',
      `select 1 from log_reader where log = $1 and name = any ($2) order by name for update`,
      [this.reader.logName, [readerOf(name, 0), readerOf(name, 1)]],
    );
  }

  /**
   * Lets the slots change places, if the other one has come at least as far as the live one. Both must be held still, so that
   * who has seen a position sees nothing older after it.
   */
  async switch(
    { name, live_slot: live, task }: ProjectionState,
    queries: Queries,
  ): Promise<ProjectionState | undefined> {
    const [switched] = await queries.query<ProjectionState>(
      'projection.switch',
      `update projection
       set live_slot = 1 - live_slot, live_version = other_version, other_version = live_version, task = null, emptied = false
       where name = $1 and live_slot = $2 and task = $3 and (task = 'switch_back' or emptied)
         and coalesce((select (epoch, xid, pos) from log_reader where log = $4 and name = $5), (0, '0'::xid8, 0::bigint))
             <= (select (epoch, xid, pos) from log_reader where log = $4 and name = $6)
       returning ${columns}`,
      [name, live, task, this.reader.logName, readerOf(name, live), readerOf(name, otherSlot(live))],
    );
    return switched;
  }

  /** Takes the comparison that is due upon itself; false when none is, or another process has it. */
  async takeDueCheck(name: string, now: Date, againInMs: number): Promise<boolean> {
    const rows = await this.database.query(
      'projection.take-check',
      `update projection set check_due_at = $2::timestamptz + $3 * interval '1 millisecond'
       where name = $1 and check_due_at <= $2 returning 1`,
      [name, now, againInMs],
    );
    return rows.length > 0;
  }

  /** What a comparison found, and when the next one is due. */
  async noteChecked(name: string, now: Date, differing: number): Promise<void> {
    await this.database.query(
      'projection.checked',
      `update projection set checked_at = $2, differing = $3, check_due_at = $2::timestamptz + interval '1 day' where name = $1`,
      [name, now, differing],
    );
  }
}
