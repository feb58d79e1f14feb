import type { Database } from '../platform';

/** Who keeps the end of the log from being read: a running or prepared transaction of any database of the cluster. */
export interface LogHolder {
  database: string | null;
  /** Null for a prepared transaction, and when the holder cannot be found. */
  pid: number | null;
  /** The identifier of a prepared transaction. */
  prepared: string | null;
  /** Since its transaction began or was prepared; null without the right to see that. */
  age_s: number | null;
  query_start: Date | null;
  state: string | null;
  application_name: string | null;
}

/**
 * Looks for the transaction below which the log ends. What it runs is never asked for: a statement may hold a person. Sessions
 * of other roles show only their database, process and application to a role without `pg_monitor`.
 */
export class LogHoldStore {
  constructor(private readonly database: Database) {}

  /**
   * The transaction id below which everything in the whole cluster is over. It belongs to a transaction for certain when a
   * later one is over already; else it may just be the next one to be given out.
   */
  async oldestNotOver(): Promise<{ xid: string; isRunning: boolean }> {
    const [row] = await this.database.query<{ xid: string; isRunning: boolean }>(
      'log-hold.oldest',
      `select pg_snapshot_xmin(s)::text as xid, pg_snapshot_xmin(s) < pg_snapshot_xmax(s) as "isRunning"
       from pg_current_snapshot() as s`,
    );
    return row!;
  }

  async holderOf(xid: string): Promise<LogHolder | undefined> {
    const [row] = await this.database.query<LogHolder>('log-hold.holder', holderSql, [xid]);
    return row;
  }

  /**
   * Ends the session while it still runs that very transaction. False when it does not any more.
   * @throws the driver's error when this role may not do that
   */
  async end(pid: number, xid: string): Promise<boolean> {
    const rows = await this.database.query<{ ended: boolean }>(
      'log-hold.end',
      `select pg_terminate_backend(pid) as ended from pg_stat_activity where pid = $1 and backend_xid = $2::xid8::xid`,
      [pid, xid],
    );
    return rows[0]?.ended ?? false;
  }
}

const holderSql = `
  select datname::text as database, pid, null as prepared,
         extract(epoch from clock_timestamp() - xact_start)::float8 as age_s, query_start, state,
         nullif(application_name, '') as application_name
  from pg_stat_activity where backend_xid = $1::xid8::xid
  union all
  select database::text, null, gid, extract(epoch from clock_timestamp() - prepared)::float8, null, 'prepared', null
  from pg_prepared_xacts where transaction = $1::xid8::xid
  limit 1`;
