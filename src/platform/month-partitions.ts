import { monthAfter, monthOf, startOfMonth } from './calendar-month';
import type { Database, Queries } from './database';

/** Months that are made ahead, the present one included. */
const monthsAhead = 3;
/** A month of lines is counted before it goes; a table of hundreds of millions takes minutes. */
const countTimeoutMs = 900_000;
/** Any number: with the name of a table it makes a lock that nothing else of this database uses. */
const partitionLock = 7_302_411;

/** A table partitioned by range of months (UTC), named `<table>_<yyyymm>`, with a partition `<table>_default` for strays. */
export interface MonthlyTable {
  name: string;
  /** The column that says to which month a row belongs. */
  by: string;
  /** Whole months that a row is kept after the end of its own: what it was written in is dropped between this and one month more. */
  keptMonths: number;
}

/** A month that is about to be dropped, `to` not included. */
export interface DroppedMonth {
  table: string;
  from: Date;
  to: Date;
  rows: number;
}

/** The months of one table: made before they are needed, dropped whole when they have been kept for their time. */
export class MonthPartitions {
  /** @param dropping runs in the transaction that drops a month: what it writes is true exactly when the month is gone */
  constructor(
    private readonly database: Database,
    private readonly table: MonthlyTable,
    private readonly dropping: (queries: Queries, month: DroppedMonth) => Promise<void>,
  ) {}

  /**
   * Makes the months to come, and those that strays wait for, and drops those that are over by `now`. One process at a time by an
   * advisory lock; with `waits`, who is about to write its first row waits for whoever makes the months.
   * @param now by the clock that fills the column
   * @returns whether this process made the months
   */
  async keep(now: Date, { waits = false } = {}): Promise<boolean> {
    const made = await this.make(now, waits);
    if (made) for (const month of await this.over(now)) await this.drop(month);
    return made;
  }

  /** Whether rows of this moment have a month to go to. */
  async hasMonthOf(now: Date): Promise<boolean> {
    return (await this.months()).includes(monthOf(now));
  }

  /** Attaching a month keeps nobody from writing; what waits for a lock gives up rather than have writers queue behind it. */
  private make(now: Date, waits: boolean): Promise<boolean> {
    return this.database.transaction(async (queries) => {
      await queries.query('months.patience', `set local lock_timeout = '2s'`);
      const [mine] = await queries.query<{ isMine: boolean }>(
        `months.lock.${waits ? 'waits' : 'tries'}`,
        `select ${waits ? 'pg_advisory_xact_lock($1::integer, hashtext($2)) is not null' : 'pg_try_advisory_xact_lock($1::integer, hashtext($2))'}
         as "isMine"`,
        [partitionLock, this.table.name],
      );
      if (!mine?.isMine) return false;
      const present = new Set(await this.months(queries));
      const wanted = Array.from({ length: monthsAhead }, (_, ahead) => monthAfter(monthOf(now), ahead));
      for (const month of new Set([...wanted, ...(await this.monthsOfStrays(queries))])) {
        if (!present.has(month)) await this.attach(month, queries);
      }
      return true;
    });
  }

  /** Rows of that month that went to the strays come along: beside them the month could not be attached. */
  private async attach(month: string, queries: Queries): Promise<void> {
    const { name, by } = this.table;
    const partition = `${name}_${month}`;
    const [from, to] = [startOfMonth(month).toISOString(), startOfMonth(monthAfter(month, 1)).toISOString()];
    await queries.query(`months.make.${partition}`, `create table ${partition} (like ${name} including all)`);
    await queries.query(
      `months.strays.${partition}`,
      `with stray as (delete from ${name}_default where ${by} >= $1 and ${by} < $2 returning *)
       insert into ${partition} select * from stray`,
      [from, to],
    );
    await queries.query(
      `months.attach.${partition}`,
      `alter table ${name} attach partition ${partition} for values from ('${from}') to ('${to}')`,
    );
  }

  private async monthsOfStrays(queries: Queries): Promise<string[]> {
    const { name, by } = this.table;
    const rows = await queries.query<{ month: string }>(
      `months.of-strays.${name}`,
      `select distinct to_char(${by} at time zone 'UTC', 'YYYYMM') as month from ${name}_default`,
    );
    return rows.map(({ month }) => month);
  }

  private async over(now: Date): Promise<string[]> {
    const oldestKept = monthAfter(monthOf(now), -this.table.keptMonths);
    // Its end, the start of the month after it, must lie as far back as that.
    return (await this.months()).filter((month) => monthAfter(month, 1) <= oldestKept);
  }

  /**
   * Counted in a transaction that writes nothing: one that had written would hold the readers of the log back for as long. Nobody
   * writes to a month that is over, so that the count still holds when it goes.
   */
  private async drop(month: string): Promise<void> {
    const { name } = this.table;
    const partition = `${name}_${month}`;
    const rows = await this.database.snapshot(async (queries) => {
      await queries.query('months.count-patience', `set local statement_timeout = ${countTimeoutMs}`);
      const [counted] = await queries.query<{ count: string }>(
        `months.count.${partition}`,
        `select count(*)::text as count from ${partition}`,
        [],
        countTimeoutMs,
      );
      return Number(counted!.count);
    });
    await this.database.transaction(async (queries) => {
      await queries.query('months.patience', `set local lock_timeout = '2s'`);
      // Another process may have been first: nothing is recorded twice.
      const present = await queries.query('months.present', 'select 1 where to_regclass($1) is not null', [partition]);
      if (present.length === 0) return;
      await queries.query(`months.drop.${partition}`, `drop table ${partition}`);
      const to = startOfMonth(monthAfter(month, 1));
      await this.dropping(queries, { table: name, from: startOfMonth(month), to, rows });
    });
  }

  /** `yyyymm`, the oldest first. */
  private async months(queries: Queries = this.database): Promise<string[]> {
    const rows = await queries.query<{ month: string }>(
      'months.present-of',
      `select right(c.relname, 6) as month from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = $1::text::regclass and c.relname ~ ('^' || $1 || '_[0-9]{6}$') order by 1`,
      [this.table.name],
    );
    return rows.map(({ month }) => month);
  }
}
