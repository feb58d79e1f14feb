import type { Database, Queries } from '../platform';
import { eventColumns, type EventRow } from './event-row';

/** A stream as its closing event left it: archived if that is still its last one. */
export interface ClosedStream {
  stream_id: string;
  version: number;
  endedAt: Date;
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

  /**
   * The position that was answered under each of these command keys. In one statement over both places: a stream may have come back since
   * it was found to be in the archive.
   */
  async positionsOf(commandKeys: readonly string[]): Promise<Map<string, string>> {
    const rows = await this.database.query<{ key: string; position: string }>(
      'archive.positions-of',
      `select c.key, log_position(e.epoch, e.xid, e.pos) as position
       from command c join event e on e.stream_id = c.stream_id and e.version = c.version
       where c.key = any ($1)
       union all
       select c.key, log_position(e.epoch, e.xid, e.pos)
       from command c join stream s on s.stream_id = c.stream_id
       join archived_event e on e.stream_end = s.archived_end and e.stream_id = s.stream_id and e.version = c.version
       where c.key = any ($1)`,
      [commandKeys],
    );
    return new Map(rows.map(({ key, position }) => [key, position]));
  }

  /**
   * Moves streams to the archive that were closed by these events and have stayed so. The month of each end must be there. Rows of streams
   * are locked in their order, as appends do it, and by a statement of its own: one that waited for them would go on with what it
   * had seen of the events before, and miss those of a stream that went and came back meanwhile.
   * @returns the streams that were moved
   */
  async archive(closed: readonly ClosedStream[], queries: Queries): Promise<number> {
    const held = await queries.query<{ stream_id: string; ended_at: Date }>(
      'archive.hold',
      `select s.stream_id, c.ended_at
       from stream s join unnest($1::uuid[], $2::integer[], $3::timestamptz[]) as c (stream_id, version, ended_at)
         on s.stream_id = c.stream_id
       where s.version = c.version and s.due_on is null and s.archived_end is null
       order by s.stream_id for update of s`,
      [
        closed.map(({ stream_id: id }) => id),
        closed.map(({ version }) => version),
        closed.map(({ endedAt }) => endedAt),
      ],
    );
    if (held.length === 0) return 0;
    await queries.query(
      'archive.archive',
      `with closed as (
         select * from unnest($1::uuid[], $2::timestamptz[]) as c (stream_id, ended_at)
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
         where l.name = $3 and (l.archived_epoch, l.archived_xid, l.archived_pos) < (f.epoch, f.xid, f.pos)
       )
       update stream s set archived_end = c.ended_at, last_epoch = $4 from closed c where s.stream_id = c.stream_id`,
      [held.map(({ stream_id: id }) => id), held.map(({ ended_at: end }) => end), this.logName, closedEpoch],
    );
    return held.length;
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

  async forgetReturned(streamIds: readonly string[], queries: Queries): Promise<void> {
    await queries.query('archive.forget-returned', 'delete from returned_stream where stream_id = any ($1)', [
      streamIds,
    ]);
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
}

const archivedColumns = 'epoch, xid, pos, stream_id, version, event_id, type, data, metadata, occurred_at, recorded_at';
