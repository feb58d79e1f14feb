import type { Database, Queries } from '../platform';

/** Days of the log of attempts that are made ahead, today's included. */
const daysAhead = 7;
/** How long tries and endings are kept: several times the longest schedule, so that what is dead can still be sent again. */
export const keptDays = 90;

/** Any number that no other advisory lock of this database uses. */
const partitionLock = 7_302_410_554;
const dayMs = 86_400_000;

/** The days of the log of attempts: made before they are needed, dropped whole when they are old. By the database's clock, in UTC. */
export class AttemptLogStore {
  constructor(private readonly database: Database) {}

  /**
   * Makes the days to come and drops those that are over. One process at a time, by an advisory lock: the others have nothing to
   * do, and only a process that is about to write its first row waits for whoever makes the days. A day is attached, which keeps nobody from writing; dropping one takes the whole log for as long as
   * a change of the catalog takes, and gives up after `lock_timeout` rather than have writers queue behind it.
   * @returns whether this process did it
   */
  async keepDays({ waits = false } = {}): Promise<boolean> {
    return this.database.transaction(async (queries) => {
      await queries.query('attempt-log.patience', `set local lock_timeout = '2s'`);
      const [mine] = await queries.query<{ today: string; isMine: boolean }>(
        `attempt-log.lock.${waits ? 'waits' : 'tries'}`,
        `select (now() at time zone 'UTC')::date::text as today,
                ${waits ? 'pg_advisory_xact_lock($1) is not null' : 'pg_try_advisory_xact_lock($1)'} as "isMine"`,
        [partitionLock],
      );
      if (!mine?.isMine) return false;
      const present = new Set((await this.days(queries)).map(({ name }) => name));
      for (let ahead = 0; ahead < daysAhead; ahead += 1) {
        const day = dayAfter(mine.today, ahead);
        if (!present.has(nameOf(day))) await makeDay(day, queries);
      }
      const oldest = nameOf(dayAfter(mine.today, -keptDays));
      for (const name of present) {
        if (name < oldest) await queries.query(`attempt-log.drop.${name}`, `drop table ${name}`);
      }
      await queries.query(
        'attempt-log.drop-strays',
        `delete from delivery_attempt_default where written_at < now() - $1 * interval '1 day'`,
        [keptDays],
      );
      return true;
    });
  }

  /** Whether tries of today have a day to go to; without one they go to a partition for strays, and nothing stops. */
  async hasToday(): Promise<boolean> {
    const rows = await this.database.query(
      'attempt-log.has-today',
      `select 1 from pg_class where relname = 'delivery_attempt_' || to_char(now() at time zone 'UTC', 'YYYYMMDD')`,
    );
    return rows.length > 0;
  }

  private days(queries: Queries): Promise<{ name: string }[]> {
    return queries.query<{ name: string }>(
      'attempt-log.days',
      `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = 'delivery_attempt'::regclass and c.relname ~ '^delivery_attempt_[0-9]{8}$' order by 1`,
    );
  }
}

/** Rows of that day that went to the strays meanwhile come along: beside them the day could not be attached. */
async function makeDay(day: string, queries: Queries): Promise<void> {
  const name = nameOf(day);
  const [from, to] = [`${day} 00:00:00+00`, `${dayAfter(day, 1)} 00:00:00+00`];
  await queries.query(`attempt-log.make.${name}`, `create table ${name} (like delivery_attempt including all)`);
  await queries.query(
    `attempt-log.strays.${name}`,
    `with stray as (delete from delivery_attempt_default where written_at >= $1 and written_at < $2 returning *)
     insert into ${name} select * from stray`,
    [from, to],
  );
  await queries.query(
    `attempt-log.attach.${name}`,
    `alter table delivery_attempt attach partition ${name} for values from ('${from}') to ('${to}')`,
  );
}

function nameOf(day: string): string {
  return `delivery_attempt_${day.replaceAll('-', '')}`;
}

function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10);
}
