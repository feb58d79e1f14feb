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
   * Makes the days to come and drops those that are over. One process at a time, by an advisory lock that is not waited for: the
   * others have nothing to do. A day is attached, which keeps nobody from writing; dropping one takes the whole log for as long as
   * a change of the catalog takes, and gives up after `lock_timeout` rather than have writers queue behind it.
   * @returns whether this process did it
   */
  async keepDays(): Promise<boolean> {
    return this.database.transaction(async (queries) => {
      const [mine] = await queries.query<{ today: string; isMine: boolean }>(
        'attempt-log.lock',
        `select (now() at time zone 'UTC')::date::text as today, pg_try_advisory_xact_lock($1) as "isMine"`,
        [partitionLock],
      );
      if (!mine?.isMine) return false;
      await queries.query('attempt-log.patience', `set local lock_timeout = '2s'`);
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

async function makeDay(day: string, queries: Queries): Promise<void> {
  const name = nameOf(day);
  await queries.query(`attempt-log.make.${name}`, `create table ${name} (like delivery_attempt including all)`);
  await queries.query(
    `attempt-log.attach.${name}`,
    `alter table delivery_attempt attach partition ${name}
     for values from ('${day} 00:00:00+00') to ('${dayAfter(day, 1)} 00:00:00+00')`,
  );
}

function nameOf(day: string): string {
  return `delivery_attempt_${day.replaceAll('-', '')}`;
}

function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10);
}
