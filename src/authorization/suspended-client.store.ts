import type { Database } from '../platform';

/** Which clients are suspended as a whole (domain.md 11). */
export class SuspendedClientStore {
  constructor(private readonly database: Database) {}

  async isSuspended(clientId: string): Promise<boolean> {
    const rows = await this.database.query(
      'suspended-client.is-suspended',
      'select 1 from suspended_client where client_id = $1',
      [clientId],
    );
    return rows.length > 0;
  }
}
