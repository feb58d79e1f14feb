import type { Database, Queries } from '../platform';
import { eventColumns, type EventRow } from './event-row';

/** A stream as its closing event left it: archived if that is still its last one. */
export interface ClosedStream {
  stream_id: string;
  version: number;
  endedAt: Date;
}

/** What is told of an event that is destroyed. */
export interface DestroyedEvent {
  stream_id: string;
  data: object;
}

/** Above every epoch (`migrations/20261123T1112`): the order guard lets nobody write to a stream that has it. */
const closedEpoch = 2_147_483_647;

/** The closed streams that have left the log's own table: whole, by the month of their end. */
export class ArchiveStore {
  constructor(
    private readonly database: Database,
    private readonly logName: string,
  ) {}

  /** The whole history of archived streams, each oldest first; nothing of a stream that is not (any more) in the archive. */
  async eventsOf(streamIds: readonly string[], queries: Queries = this.database): Promise<EventRow[]> {
    return queries.query<EventRow>(
      'archive.events-of',
      `select ${eventColumns} from stream s
       join archived_event e on e.stream_end = s.archived_end and e.stream_id = s.stream_id
       where s.stream_id = any ($1) and s.archived_end is not null order by e.stream_id, e.version`,
      [streamIds],
    );
  }

  /** The position that was answered under each of these command keys, for those whose events are in the archive. */
  async positionsOf(commandKeys: readonly string[]): Promise<Map<string, string>> {
    const rows = await this.database.query<{ key: string; position: string }>(
      'archive.positions-of',
      `select c.key, log_position(e.epoch, e.xid, e.pos) as position
       from command c join stream s on s.stream_id = c.stream_id
       join archived_event e on e.stream_end = s.archived_end and e.stream_id = s.stream_id and e.version = c.version
       where c.key = any ($1)`,
      [commandKeys],
    );
    return new Map(rows.map(({ key, position }) => [key, position]));
  }

  /**
   * Moves streams to the archive that were closed by these events and have stayed so. The month of each end must be there. Rows of streams
   * are locked in their order, as appends do it.
   * @returns the streams that were moved
   */
  async archive(closed: readonly ClosedStream[], queries: Queries): Promise<number> {
    const moved = await queries.query(
      'archive.archive',
      `with closed as (
         select s.stream_id, c.ended_at
         from stream s join unnest($1::uuid[], $2::integer[], $3::timestamptz[]) as c (stream_id, version, ended_at)
           on s.stream_id = c.stream_id
         where s.version = c.version and s.due_on is null and s.archived_end is null
         order by s.stream_id for update of s
       ), gone as (
         delete from event e using closed c where e.stream_id = c.stream_id returning e.*, c.ended_at
       ), kept as (
         insert into archived_event (${archivedColumns}, stream_end) select ${archivedColumns}, ended_at from gone
       ), home as (
         delete from returned_stream r using closed c where r.stream_id = c.stream_id
       ), furthest as (
         select epoch, xid, pos from gone order by epoch desc, xid desc, pos desc limit 1
       ), noted as (
         update log l set archived_epoch = f.epoch, archived_xid = f.xid, archived_pos = f.pos
         from furthest f
         where l.name = $4 and (l.archived_epoch, l.archived_xid, l.archived_pos) < (f.epoch, f.xid, f.pos)
       )
       update stream s set archived_end = c.ended_at, last_epoch = $5 from closed c where s.stream_id = c.stream_id
       returning 1`,
      [
        closed.map(({ stream_id: id }) => id),
        closed.map(({ version }) => version),
        closed.map(({ endedAt }) => endedAt),
        this.logName,
        closedEpoch,
      ],
    );
    return moved.length;
  }

  /** Brings archived streams back to where they can be written to. Others stay as they are. */
  async moveBack(streamIds: readonly string[]): Promise<void> {
    await this.database.transaction(async (queries) => {
      const locked = await queries.query<{ stream_id: string }>(
        'archive.lock',
        `select stream_id from stream where stream_id = any ($1) and archived_end is not null
         order by stream_id for update`,
        [streamIds],
      );
      const ids = locked.map(({ stream_id: id }) => id);
      await queries.query(
        'archive.move-back',
        `with back as (
           delete from archived_event e using stream s
           where s.stream_id = any ($1) and e.stream_id = s.stream_id and e.stream_end = s.archived_end
           returning e.*
         ), there as (
           insert into event (${archivedColumns}) overriding system value select ${archivedColumns} from back
         ), noted as (
           insert into returned_stream (stream_id) select unnest($1::uuid[])
           on conflict (stream_id) do update set returned_at = clock_timestamp()
         )
         update stream s set archived_end = null, last_epoch = b.epoch, last_xid = b.xid
         from back b where s.stream_id = b.stream_id and s.version = b.version`,
        [ids],
      );
    });
  }

  /** Streams that came back at least a day ago, each with its last event, which may be of any kind; `isOpen`: it runs (again). */
  async returned(limit: number): Promise<(ClosedStream & { type: string; isOpen: boolean })[]> {
    return this.database.query(
      'archive.returned',
      `select r.stream_id, e.version, e.type, e.occurred_at as "endedAt", s.due_on is not null as "isOpen"
       from returned_stream r join stream s on s.stream_id = r.stream_id
       join event e on e.stream_id = s.stream_id and e.version = s.version
       where r.returned_at <= clock_timestamp() - interval '1 day' order by r.returned_at limit $1`,
      [limit],
    );
  }

  /** Makes the months that these ends belong to. Attaching one keeps nobody from reading or writing. */
  async makeMonths(ends: readonly Date[]): Promise<void> {
    const present = new Set(await this.months());
    for (const month of new Set(ends.map(monthOf))) {
      if (present.has(month)) continue;
      const partition = `archived_event_${month}`;
      const [from, to] = [startOf(month).toISOString(), startOf(month, 1).toISOString()];
      await this.database.transaction(async (queries) => {
        await queries.query('archive.patience', `set local lock_timeout = '2s'`);
        await queries.query(`archive.make.${month}`, `create table ${partition} (like archived_event including all)`);
        await queries.query(
          `archive.attach.${month}`,
          `alter table archived_event attach partition ${partition} for values from ('${from}') to ('${to}')`,
        );
      });
    }
  }

  /** Whether there is a stream that ended before a moment, or a month that was over by then. */
  async isAnythingOver(endedBefore: Date): Promise<boolean> {
    const streams = await this.database.query(
      'archive.any-over',
      'select 1 from stream where archived_end < $1 order by archived_end limit 1',
      [endedBefore],
    );
    return streams.length > 0 || (await this.months()).some((month) => startOf(month, 1) <= endedBefore);
  }

  /**
   * Destroys some of the streams that ended before a moment, with everything the log knows of them.
   * @param forget what other rooms keep of them goes in the same transaction
   * @returns how many streams were destroyed
   */
  async destroy(
    endedBefore: Date,
    limit: number,
    forget: (destroyed: readonly DestroyedEvent[], queries: Queries) => Promise<void>,
  ): Promise<number> {
    return this.database.transaction(async (queries) => {
      const streams = await queries.query<{ stream_id: string }>(
        'archive.over',
        `select stream_id from stream where archived_end < $1 order by archived_end, stream_id limit $2 for update`,
        [endedBefore, limit],
      );
      const ids = streams.map(({ stream_id: id }) => id);
      if (ids.length === 0) return 0;
      const events = await queries.query<DestroyedEvent>(
        'archive.destroy-events',
        `with gone as (
           delete from archived_event e using stream s
           where s.stream_id = any ($1) and e.stream_id = s.stream_id and e.stream_end = s.archived_end
           returning e.stream_id, e.data, e.stream_end
         ), counted as (
           insert into destruction_under_way (month, row_count)
           select date_trunc('month', stream_end at time zone 'UTC')::date, count(*) from gone group by 1
           on conflict (month) do update set row_count = destruction_under_way.row_count + excluded.row_count
         )
         select stream_id, data from gone`,
        [ids],
      );
      await forget(events, queries);
      await queries.query('archive.destroy-parked', 'delete from parked_stream where stream_id = any ($1)', [ids]);
      await queries.query('archive.destroy-streams', 'delete from stream where stream_id = any ($1)', [ids]);
      return ids.length;
    });
  }

  /**
   * Drops the months that end at a moment or before it, once all their streams are destroyed.
   * @param record runs in the transaction that drops a month
   */
  async dropMonths(
    endedBefore: Date,
    record: (destroyed: { from: Date; to: Date; rows: number }, queries: Queries) => Promise<void>,
  ): Promise<void> {
    for (const month of (await this.months()).filter((one) => startOf(one, 1) <= endedBefore)) {
      const [from, to] = [startOf(month), startOf(month, 1)];
      await this.database.transaction(async (queries) => {
        const left = await queries.query(
          'archive.month-left',
          'select 1 from stream where archived_end >= $1 and archived_end < $2 limit 1',
          [from, to],
        );
        if (left.length > 0) return;
        await queries.query('archive.patience', `set local lock_timeout = '2s'`);
        await queries.query(`archive.drop.${month}`, `drop table archived_event_${month}`);
        const [counted] = await queries.query<{ rows: string }>(
          'archive.counted',
          'delete from destruction_under_way where month = $1 returning row_count::text as rows',
          [from.toISOString().slice(0, 10)],
        );
        await record({ from, to, rows: Number(counted?.rows ?? 0) }, queries);
      });
    }
  }

  /** Forgets the answers to commands that were given before a moment. Returns how many. */
  async forgetCommands(before: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      'archive.forget-commands',
      `delete from command where key in (select key from command where recorded_at < $1 limit $2) returning 1`,
      [before, limit],
    );
    return rows.length;
  }

  /** `yyyymm`, the oldest first. */
  private async months(): Promise<string[]> {
    const rows = await this.database.query<{ month: string }>(
      'archive.months',
      `select right(c.relname, 6) as month from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = 'archived_event'::regclass order by 1`,
    );
    return rows.map(({ month }) => month);
  }

  async forgetReturned(streamIds: readonly string[], queries: Queries): Promise<void> {
    await queries.query('archive.forget-returned', 'delete from returned_stream where stream_id = any ($1)', [
      streamIds,
    ]);
  }
}

/** `yyyymm` in UTC. */
function monthOf(moment: Date): string {
  return moment.toISOString().slice(0, 7).replace('-', '');
}

function startOf(month: string, monthsLater = 0): Date {
  return new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(4)) - 1 + monthsLater));
}

const archivedColumns = 'epoch, xid, pos, stream_id, version, event_id, type, data, metadata, occurred_at, recorded_at';
