import { type Database, type Queries, sessionName, sqlState } from '../platform';
import type { LogReader } from './log.reader';

/** The epoch was left as it is; the message is one sentence for the operator. */
export class EpochRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EpochRefused';
  }
}

/** How long the lock may take that an append under way would hold up. */
const lockTimeoutMs = 5_000;

/** The epoch of the log: the part of a position that counts restores into clusters whose transaction ids are lower (docs/adr/0002). */
export class EpochStore {
  constructor(
    private readonly database: Database,
    private readonly reader: LogReader,
  ) {}

  /**
   * Raises the epoch by one, so that what is appended from now on sorts after everything that is there. Returns the new one.
   *
   * The lock waits for appends that have read the old epoch and keeps others from reading it: an event that still came in
   * under the old epoch could sort before one that readers have gone past, and they would never see it.
   * @throws EpochRefused while the service is connected, or when the log can go on as it is
   */
  async raise(): Promise<number> {
    return this.database.transaction(async (queries) => {
      await this.refuseWhileConnected(queries);
      await lock(queries);
      // Within a transaction the sessions are remembered as they were at the first look.
      await queries.query('epoch.look-anew', 'select pg_stat_clear_snapshot()');
      // Again, for who came while the lock was waited for. Later ones look at the log before they append, and so wait for us.
      await this.refuseWhileConnected(queries);
      if (!(await this.reader.isAheadOfCluster(queries))) {
        throw new EpochRefused(
          'The epoch need not be raised: this cluster has come past the last transaction id in the log, so the service can start.',
        );
      }
      const [row] = await queries.query<{ epoch: number }>(
        'epoch.raise',
        'update log set epoch = epoch + 1 where name = $1 returning epoch',
        [this.reader.logName],
      );
      return row!.epoch;
    });
  }

  /** A name given in the database's URL goes before ours: then ours is the same as theirs. */
  private async refuseWhileConnected(queries: Queries): Promise<void> {
    const others = await queries.query<{ pid: number }>(
      'epoch.connected',
      `select pid from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()
         and (starts_with(application_name, $1) or application_name = current_setting('application_name'))
       order by pid`,
      [sessionName],
    );
    if (others.length === 0) return;
    const pids = others.map(({ pid }) => pid).join(', ');
    throw new EpochRefused(
      `The service is still connected to this database (sessions ${pids}): stop every process of it, then run this again.`,
    );
  }
}

async function lock(queries: Queries): Promise<void> {
  try {
    await queries.query('epoch.lock-timeout', `select set_config('lock_timeout', $1, true)`, [`${lockTimeoutMs}ms`]);
    await queries.query('epoch.lock', 'lock table log in access exclusive mode');
  } catch (error) {
    if (sqlState(error) !== '55P03') throw error;
    throw new EpochRefused('Somebody is using the table log: end that session, then run this again.');
  }
}
