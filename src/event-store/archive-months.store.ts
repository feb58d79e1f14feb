import { type Database, monthAfter, monthOf, type Queries, startOfMonth } from '../platform';

/** What is told of an event that is destroyed. */
export interface DestroyedEvent {
  stream_id: string;
  data: object;
}

/** The months of the archive: made for the ends of streams, emptied and dropped when they have been kept for their time. */
export class ArchiveMonths {
  constructor(private readonly database: Database) {}

  /** Makes the months that these ends belong to. Attaching one keeps nobody from reading or writing. */
  async make(ends: readonly Date[]): Promise<void> {
    const present = new Set(await this.months());
    for (const month of new Set(ends.map(monthOf))) {
      if (present.has(month)) continue;
      const partition = `archived_event_${month}`;
      const [from, to] = [startOfMonth(month).toISOString(), startOfMonth(monthAfter(month, 1)).toISOString()];
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
    return streams.length > 0 || (await this.over(endedBefore)).length > 0;
  }

  /**
   * Destroys some of the streams that ended before a moment, with everything the log knows of them. They are locked in their order, as
   * whoever brings streams back locks them.
   * @returns how many streams were destroyed, and what their events said
   */
  async destroy(
    endedBefore: Date,
    limit: number,
    queries: Queries,
  ): Promise<{ streams: number; events: DestroyedEvent[] }> {
    const streams = await queries.query<{ stream_id: string }>(
      'archive.over',
      `select stream_id from stream
       where archived_end < $1 and stream_id in (
         select stream_id from stream where archived_end < $1 order by archived_end, stream_id limit $2)
       order by stream_id for update`,
      [endedBefore, limit],
    );
    const ids = streams.map(({ stream_id: id }) => id);
    if (ids.length === 0) return { streams: 0, events: [] };
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
    await queries.query('archive.destroy-parked', 'delete from parked_stream where stream_id = any ($1)', [ids]);
    await queries.query('archive.destroy-streams', 'delete from stream where stream_id = any ($1)', [ids]);
    return { streams: ids.length, events };
  }

  /**
   * Drops the months that end at a moment or before it, once all their streams are destroyed.
   * @param record runs in the transaction that drops a month
   */
  async drop(
    endedBefore: Date,
    record: (destroyed: { from: Date; to: Date; rows: number }, queries: Queries) => Promise<void>,
  ): Promise<void> {
    for (const month of await this.over(endedBefore)) {
      const [from, to] = [startOfMonth(month), startOfMonth(monthAfter(month, 1))];
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

  /** Months that end at a moment or before it. */
  private async over(endedBefore: Date): Promise<string[]> {
    return (await this.months()).filter((month) => startOfMonth(monthAfter(month, 1)) <= endedBefore);
  }

  /** The oldest first. */
  private async months(): Promise<string[]> {
    const rows = await this.database.query<{ month: string }>(
      'archive.months',
      `select right(c.relname, 6) as month from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = 'archived_event'::regclass order by 1`,
    );
    return rows.map(({ month }) => month);
  }
}
