import type { Database } from '../platform';

/** `suspending`, `ending` and `resuming` are walks over its subscriptions; in `resting` and `ended` there is nothing to do but to wait. */
export type Phase = 'suspending' | 'resting' | 'ending' | 'ended' | 'resuming';

/** A client that left the list, or a service of a provider (`name`) that is withdrawn. */
export interface Delisted {
  kind: 'client' | 'service';
  name: string;
  /** Empty for a client. */
  service_id: string;
}

export interface Delisting extends Delisted {
  since: Date;
  phase: Phase;
}

/** What is gone from the lists, since when, and how far we are with what follows from it. */
export class DelistingStore {
  constructor(private readonly database: Database) {}

  /** Longest gone first. */
  async all(limit: number): Promise<Delisting[]> {
    return this.database.query(
      'delisting.all',
      'select kind, name, service_id, since, phase from delisting order by since, kind, name, service_id limit $1',
      [limit],
    );
  }

  /**
   * False when it was there already. Where all had ended it begins anew: there are subscriptions again, so it was back for a while, though
   * nobody saw it in between.
   */
  async begin({ kind, name, service_id, since, phase }: Delisting): Promise<boolean> {
    const rows = await this.database.query(
      'delisting.begin',
      `insert into delisting (kind, name, service_id, since, phase) values ($1, $2, $3, $4, $5)
       on conflict (kind, name, service_id) do update set since = excluded.since, phase = excluded.phase
       where delisting.phase = 'ended'
       returning 1`,
      [kind, name, service_id, since, phase],
    );
    return rows.length > 0;
  }

  async enter({ kind, name, service_id }: Delisted, phase: Phase): Promise<void> {
    await this.database.query(
      'delisting.enter',
      'update delisting set phase = $4 where kind = $1 and name = $2 and service_id = $3',
      [kind, name, service_id, phase],
    );
  }

  /** For one whose turn is over: what is under way goes on as it is. */
  async enterIfResting({ kind, name, service_id }: Delisted, phase: Phase): Promise<void> {
    await this.database.query(
      'delisting.enter-if-resting',
      `update delisting set phase = $4 where kind = $1 and name = $2 and service_id = $3 and phase = 'resting'`,
      [kind, name, service_id, phase],
    );
  }

  async end({ kind, name, service_id }: Delisted): Promise<void> {
    await this.database.query(
      'delisting.end',
      'delete from delisting where kind = $1 and name = $2 and service_id = $3',
      [kind, name, service_id],
    );
  }
}
