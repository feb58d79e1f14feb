import type { Database, Queries } from '../platform';
import { eventColumns, type EventRow, storedColumns, storedEvent } from './event-row';
import { type Fact, type Position, startOfLog, type StoredEvent } from './stored-event';

/** How far behind the end of the log a position is. */
export interface Lag {
  events: number;
  seconds: number;
}

/**
 * Events counted at most when a lag is asked for. How many a larger one has is told by their numbers: to count a million takes a
 * third of a second, each time that somebody looks, and just then there is other work.
 */
const countMax = 10_000;

/**
 * Pages of the log in its order, complete under any concurrency: a page ends below the oldest running transaction, so that
 * nothing can still appear before its end. Reading on by "highest position seen" would lose events (docs/adr/0002).
 */
export class LogReader {
  constructor(
    private readonly database: Database,
    readonly logName: string,
  ) {}

  /** Events as they were recorded. */
  async page<F extends Fact>(after: Position, limit: number): Promise<StoredEvent<F>[]> {
    const place = [after.epoch, after.xid, after.pos, this.logName, limit];
    const rows = await this.database.query<EventRow & { archive_follows: boolean }>('log.page', pageSql, place);
    // Asked in the same statement, so that nothing can have left for the archive in between. Of an empty page it is asked afterwards: the
    // archive only ever reaches further.
    if (rows[0] ? rows[0].archive_follows : await this.archiveFollows(after)) {
      return (await this.database.query<EventRow>('log.page-with-archive', pageWithArchiveSql, place)).map((row) =>
        storedEvent<F>(row),
      );
    }
    return rows.map((row) => storedEvent<F>(row));
  }

  /** Whether the archive holds, or held, anything after a position. */
  private async archiveFollows(after: Position): Promise<boolean> {
    const rows = await this.database.query(
      'log.archive-follows',
      `select 1 from log where name = $4 and ${archiveLiesAfter}`,
      [after.epoch, after.xid, after.pos, this.logName],
    );
    return rows.length > 0;
  }

  /** Whether anything was committed after a position, readable already or still beyond an older transaction that runs. */
  async hasUnread(after: Position): Promise<boolean> {
    // Ordered, though any row would do: of an `exists` PostgreSQL expects to find one soon and reads the table from its start, where
    // everything has been read already. With 200,000 events that took 70 to 230 ms (bench relay).
    const rows = await this.database.query(
      'log.has-unread',
      `(select 1 from event where (epoch, xid, pos) > ($1, $2::xid8, $3) order by epoch, xid, pos limit 1)
       union all (select 1 from log where name = $4 and ${archiveLiesAfter}) limit 1`,
      [after.epoch, after.xid, after.pos, this.logName],
    );
    return rows.length > 0;
  }

  /** The newest events up to a position that were written down in the last `ageMs`, the newest first. */
  async newestUntil(until: Position, limit: number, ageMs: number): Promise<StoredEvent[]> {
    const rows = await this.database.query<EventRow>(
      'log.newest-until',
      `select * from (
         select ${eventColumns} from event e where (e.epoch, e.xid, e.pos) <= ($1, $2::xid8, $3)
         order by e.epoch desc, e.xid desc, e.pos desc limit $4
       ) newest where recorded_at > clock_timestamp() - $5 * interval '1 millisecond'`,
      [until.epoch, until.xid, until.pos, limit, ageMs],
    );
    return rows.map((row) => storedEvent(row));
  }

  /** The position of the last event, seen by readers or not yet. */
  async end(): Promise<Position> {
    const [row] = await this.database.query<{ epoch: number; xid: string; pos: string }>(
      'log.end',
      // Without the alias it would be ordered by the texts of the answer, where 9 comes after 10.
      `select e.epoch, e.xid::text, e.pos::text from (
         (select epoch, xid, pos from event order by epoch desc, xid desc, pos desc limit 1)
         union all select archived_epoch, archived_xid, archived_pos from log where name = $1) e
       order by e.epoch desc, e.xid desc, e.pos desc limit 1`,
      [this.logName],
    );
    return row ?? startOfLog;
  }

  /**
   * Whether the last event was written under a transaction id that this cluster has not reached yet: the database was restored
   * into a cluster that counts lower, and what is appended now would sort before what is there. Then the epoch must be raised.
   */
  async isAheadOfCluster(queries: Queries = this.database): Promise<boolean> {
    const [row] = await queries.query<{ ahead: boolean }>(
      'log.ahead',
      `select coalesce((
         select e.xid >= pg_snapshot_xmax(pg_current_snapshot()) from event e
         where e.epoch = (select epoch from log where name = $1) order by e.xid desc limit 1), false)
         or exists (
           select 1 from log
           where name = $1 and archived_epoch = epoch and archived_xid >= pg_snapshot_xmax(pg_current_snapshot())) as ahead`,
      [this.logName],
    );
    return row!.ahead;
  }

  /**
   * How much was recorded after a position and can be read, and where that ends, so that counting can go on there. Commands: those
   * that recorded something, each of which writes to one stream in one transaction. Of more than `countMax` events so many are
   * counted, and how many there are in all is told by their numbers. Undefined to begin with: only where the log ends now.
   */
  async recordedAfter(
    after: Position | undefined,
    countMax: number,
  ): Promise<{ events: number; commands: number; end: Position }> {
    const end = await this.readableEnd();
    if (!after) return { events: 0, commands: 0, end };
    const [row] = await this.database.query<{ events: number; commands: number }>('log.recorded-after', recordedSql, [
      after.epoch,
      after.xid,
      after.pos,
      end.epoch,
      end.xid,
      end.pos,
      countMax,
    ]);
    const { events, commands } = row!;
    if (events < countMax) return { events, commands, end };
    // Numbers are given in the order of writing; the few that were never used do not matter among so many.
    const all = Math.max(events, Number(BigInt(end.pos) - BigInt(after.pos)));
    return { events: all, commands: Math.round((commands * all) / events), end };
  }

  /** Nothing can still appear before it. */
  private async readableEnd(): Promise<Position> {
    const [row] = await this.database.query<{ epoch: number; xid: string; pos: string }>(
      'log.readable-end',
      `select e.epoch, e.xid::text, e.pos::text from event e
       where (e.epoch, e.xid) < ((select epoch from log where name = $1), pg_snapshot_xmin(pg_current_snapshot()))
       order by e.epoch desc, e.xid desc, e.pos desc limit 1`,
      [this.logName],
    );
    return row ?? startOfLog;
  }

  async lag(after: Position, queries: Queries = this.database): Promise<Lag> {
    const [row] = await queries.query<{ events: number; seconds: number }>('log.lag', lagSql, [
      after.epoch,
      after.xid,
      after.pos,
      this.logName,
      countMax,
    ]);
    return row!;
  }
}

const archiveLiesAfter = '(archived_epoch, archived_xid, archived_pos) > ($1, $2::xid8, $3)';

/** Both bounds are row comparisons, so that one range of the index answers, also while a long transaction holds the end back. */
const pageBounds = `
  (e.epoch, e.xid, e.pos) > ($1, $2::xid8, $3)
    and (e.epoch, e.xid) < ((select epoch from log where name = $4), pg_snapshot_xmin(pg_current_snapshot()))
  order by e.epoch, e.xid, e.pos
  limit $5`;

const pageSql = `
  select ${eventColumns}, (select ${archiveLiesAfter} from log where name = $4) as archive_follows
  from event e
  where ${pageBounds}`;

const pageWithArchiveSql = `
  select ${eventColumns} from (
    (select ${storedColumns} from event e where ${pageBounds})
    union all
    (select ${storedColumns} from archived_event e where ${pageBounds})) e
  order by e.epoch, e.xid, e.pos
  limit $5`;

const recordedSql = `
  with recorded as (
    select xid, stream_id from event
    where (epoch, xid, pos) > ($1, $2::xid8, $3) and (epoch, xid, pos) <= ($4, $5::xid8, $6)
    order by epoch, xid, pos limit $7
  )
  select count(*)::integer as events, count(distinct (xid::text, stream_id))::integer as commands from recorded`;

const lagSql = `
  with unread as (
    (select pos, recorded_at from event
     where (epoch, xid, pos) > ($1, $2::xid8, $3) order by epoch, xid, pos limit $5)
    union all
    (select pos, recorded_at from archived_event
     where (epoch, xid, pos) > ($1, $2::xid8, $3) and exists (select 1 from log where name = $4 and ${archiveLiesAfter})
     order by epoch, xid, pos limit $5)
  ), counted as (
    select count(*) as events, min(pos) as first, min(recorded_at) as since from unread
  )
  select case when events < $5 then events
              else greatest(events, 1 - first + (select pos from event order by epoch desc, xid desc, pos desc limit 1))
         end::float8 as events,
         coalesce(greatest(0, extract(epoch from clock_timestamp() - since)), 0)::float8 as seconds
  from counted`;
