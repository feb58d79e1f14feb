import type { Database, Queries } from '../platform';
import type { SuspensionReason } from './client.events';

/** A client that is suspended as a whole, and since when. */
export interface SuspendedClient {
  client_id: string;
  suspended_at: Date;
  reason: SuspensionReason;
}

/**
 * The ids of the suspended clients, for statements of other rooms that show what belongs to them: an answer that has waited for an
 * event of a client shows what it did.
 */
export const suspendedClientIds = '(select client_id from suspended_client)';

/** Which clients are suspended as a whole: what their streams say, written in the transactions of their events. */
export class SuspendedClientStore {
  constructor(private readonly database: Database) {}

  async all(): Promise<SuspendedClient[]> {
    return this.database.query(
      'suspended-client.all',
      'select client_id, suspended_at, reason from suspended_client order by client_id',
    );
  }

  /** Suspended already, it stays so since then. */
  async put({ client_id, suspended_at, reason }: SuspendedClient, queries: Queries): Promise<void> {
    await queries.query(
      'suspended-client.put',
      `insert into suspended_client (client_id, suspended_at, reason) values ($1, $2, $3)
       on conflict (client_id) do update set reason = excluded.reason`,
      [client_id, suspended_at, reason],
    );
  }

  async remove(clientId: string, queries: Queries): Promise<void> {
    await queries.query('suspended-client.remove', 'delete from suspended_client where client_id = $1', [clientId]);
  }
}
