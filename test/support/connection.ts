import { Client, type QueryResultRow } from 'pg';
import { EventStore } from '../../src/event-store';
import { type Database, type Queries, Signal } from '../../src/platform';

/** One real connection whose transactions are in the hands of the test. */
export class Connection implements Queries {
  private constructor(readonly client: Client) {}

  static async open(url: string): Promise<Connection> {
    const client = new Client({ connectionString: url });
    // A connection that breaks fails the query under way by itself.
    client.on('error', () => undefined);
    await client.connect();
    return new Connection(client);
  }

  async query<Row extends QueryResultRow>(name: string, text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.client.query<Row>({ name, text, values: [...values] })).rows;
  }

  async ask<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.client.query<Row>(text, [...values])).rows;
  }

  /** The event store on this very connection, so inside the transaction that is open on it. */
  eventStore(logName = 'main'): EventStore {
    // Of the database it uses nothing but `query`.
    return new EventStore(this as Queries as Database, logName, new Signal());
  }

  async begin(): Promise<void> {
    await this.client.query('begin');
  }

  /** What a handler does that writes to its inbox first: from here on the transaction has its id. */
  async takeTransactionId(): Promise<bigint> {
    const [row] = await this.ask<{ xid: string }>('select pg_current_xact_id()::text as xid');
    return BigInt(row!.xid);
  }

  async commit(): Promise<void> {
    await this.client.query('commit');
  }

  async rollback(): Promise<void> {
    await this.client.query('rollback');
  }

  async close(): Promise<void> {
    await this.client.end();
  }
}
