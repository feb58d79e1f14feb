import { type Database, type Queries, Signal } from '../platform';
import type { Position } from './stored-event';

/** A lease that is held: work done under it carries its fence, and a later holder's fence is higher. */
export interface Lease {
  name: string;
  fence: string;
}

/** The lease went to somebody else (this process was frozen, or the database away, for longer than it lasts). */
export class LeaseLost extends Error {
  constructor(name: string) {
    super(`The lease of ${name} is held by another process now.`);
    this.name = 'LeaseLost';
  }
}

/** Leases with fencing tokens, and the checkpoints of those readers of the log that hold one. The database's clock counts. */
export class CheckpointStore {
  constructor(
    private readonly database: Database,
    private readonly logName: string,
    /** Raised when a lease was given back. */
    readonly released = new Signal(),
  ) {}

  /** The lease and the checkpoint behind it, or undefined while somebody else holds it. */
  async acquire(
    name: string,
    owner: string,
    leaseMs: number,
  ): Promise<{ lease: Lease; checkpoint: Position } | undefined> {
    await this.database.query(
      'checkpoint.make',
      'insert into log_reader (log, name) values ($1, $2) on conflict do nothing',
      [this.logName, name],
    );
    const [row] = await this.database.query<{ fence: string } & Position>(
      'checkpoint.acquire',
      `update log_reader
       set owner = $3, fence = fence + 1, lease_until = clock_timestamp() + $4 * interval '1 millisecond'
       where log = $1 and name = $2 and lease_until < clock_timestamp()
       returning fence::text, epoch, xid::text, pos::text`,
      [this.logName, name, owner, leaseMs],
    );
    if (!row) return undefined;
    const { fence, epoch, xid, pos } = row;
    return { lease: { name, fence }, checkpoint: { epoch, xid, pos } };
  }

  /** How long until the lease runs out if its holder does not renew it; 0 when nobody holds it. */
  async freeInMs(name: string): Promise<number> {
    const [row] = await this.database.query<{ ms: number }>(
      'checkpoint.free-in',
      `select greatest(0, extract(epoch from lease_until - clock_timestamp()) * 1000)::float8 as ms
       from log_reader where log = $1 and name = $2 and lease_until > clock_timestamp()`,
      [this.logName, name],
    );
    return row?.ms ?? 0;
  }

  /** @throws LeaseLost */
  async renew(lease: Lease, leaseMs: number): Promise<void> {
    const rows = await this.database.query(
      'checkpoint.renew',
      `update log_reader set lease_until = clock_timestamp() + $4 * interval '1 millisecond'
       where log = $1 and name = $2 and fence = $3 returning 1`,
      [this.logName, lease.name, lease.fence, leaseMs],
    );
    if (rows.length === 0) throw new LeaseLost(lease.name);
  }

  async release(lease: Lease): Promise<void> {
    await this.database.query(
      'checkpoint.release',
      `update log_reader set lease_until = '-infinity', owner = '' where log = $1 and name = $2 and fence = $3`,
      [this.logName, lease.name, lease.fence],
    );
    this.released.raise();
  }

  /**
   * Moves the checkpoint, inside the transaction of the effect it stands for where there is one.
   * @throws LeaseLost when a later holder has taken over: the effect must be rolled back.
   */
  async save(lease: Lease, checkpoint: Position, queries: Queries = this.database): Promise<void> {
    const rows = await queries.query(
      'checkpoint.save',
      `update log_reader set epoch = $4, xid = $5::xid8, pos = $6, moved_at = clock_timestamp()
       where log = $1 and name = $2 and fence = $3 returning 1`,
      [this.logName, lease.name, lease.fence, checkpoint.epoch, checkpoint.xid, checkpoint.pos],
    );
    if (rows.length === 0) throw new LeaseLost(lease.name);
  }

  /** Where a reader stands, whoever holds it; the start of the log when it never ran. */
  async position(name: string): Promise<Position> {
    const [row] = await this.database.query<{ epoch: number; xid: string; pos: string }>(
      'checkpoint.position',
      'select epoch, xid::text, pos::text from log_reader where log = $1 and name = $2',
      [this.logName, name],
    );
    return row ?? { epoch: 0, xid: '0', pos: '0' };
  }
}
