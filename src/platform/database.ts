import { createHash } from 'node:crypto';
import { types } from 'node:util';
import type { Pool, PoolClient, QueryResultRow } from 'pg';
import { DataSource } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import { migrationClasses } from './migrations';

/** What every session of the service is called at the database, or how its name begins. */
export const sessionName = 'medmij-subscriptions';

/** Connections one process may hold; the limit of every wait for one is `connectionTimeoutMs`. */
const connectionsMax = 20;
const connectionTimeoutMs = 5_000;
/** No statement of ours runs longer; one that does is an outage, answered and retried as such. */
const statementTimeoutMs = 30_000;
/** A connection on which no answer has come after this long is given up: PostgreSQL itself would have ended the statement before. */
const answerTimeoutMs = 35_000;
/** What PostgreSQL and its driver take for "no limit". */
const unlimited = 0;

/** Runs one statement: written-out SQL under a name, prepared once on each connection. */
export interface Queries {
  /**
   * `answerMs`: how long the answer may take, for a statement that may run longer than as a rule.
   * @throws the driver's error; `isOutage` and `sqlState` tell what it means.
   */
  query<Row extends QueryResultRow>(
    name: string,
    text: string,
    values?: readonly unknown[],
    answerMs?: number,
  ): Promise<Row[]>;
}

/** The PostgreSQL database, opened through TypeORM's data source, which owns the pool and the migrations. */
export class Database implements Queries {
  private constructor(
    readonly url: string,
    readonly dataSource: DataSource,
    private readonly pool: Pool,
  ) {}

  /** `answerMs`: how long an answer may take; a network that lets nothing through any more says so in no other way. */
  static async connect(url: string, applicationName = sessionName, answerMs = answerTimeoutMs): Promise<Database> {
    const dataSource = await new DataSource({
      type: 'postgres',
      url,
      applicationName,
      migrations: migrationClasses(),
      migrationsTableName: 'migration',
      poolSize: connectionsMax,
      extra: {
        connectionTimeoutMillis: connectionTimeoutMs,
        statement_timeout: answerMs === unlimited ? unlimited : statementTimeoutMs,
        query_timeout: answerMs,
        keepAlive: true,
      },
    }).initialize();
    const pool = (dataSource.driver as PostgresDriver).master as Pool;
    // An idle connection that breaks is no event of ours: the next query gets a new one or fails by itself.
    pool.on('error', () => undefined);
    return new Database(url, dataSource, pool);
  }

  /** For changes of the schema: an index of a large table takes as long as it takes. */
  static connectPatiently(url: string, applicationName: string): Promise<Database> {
    return Database.connect(url, applicationName, unlimited);
  }

  async query<Row extends QueryResultRow>(name: string, text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.pool.query<Row>({ name: statementName(name), text, values: [...values] })).rows;
  }

  /** One transaction on one connection; rolled back when `work` throws. */
  transaction<Result>(work: (queries: Queries) => Promise<Result>): Promise<Result> {
    return this.between('begin', work);
  }

  /** Several questions about one and the same moment. */
  snapshot<Result>(work: (queries: Queries) => Promise<Result>): Promise<Result> {
    return this.between('begin isolation level repeatable read read only', work);
  }

  private async between<Result>(begin: string, work: (queries: Queries) => Promise<Result>): Promise<Result> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    // The pool listens to idle connections only: one that breaks in our hands would end the process, though the query fails anyway.
    const onError = (error: Error) => void (broken = error);
    client.on('error', onError);
    try {
      await client.query(begin);
      const result = await work(queriesOf(client));
      await client.query('commit');
      return result;
    } catch (error) {
      // Who gave no answer is not asked to roll back either: the server does that when the connection ends.
      if (isUnanswered(error)) broken = error as Error;
      else await client.query('rollback').catch((rollbackError: Error) => (broken = rollbackError));
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }

  /** Connections in use, idle and callers waiting for one. */
  poolState(): { total: number; idle: number; waiting: number } {
    return { total: this.pool.totalCount, idle: this.pool.idleCount, waiting: this.pool.waitingCount };
  }

  async pendingMigrations(): Promise<boolean> {
    return this.dataSource.showMigrations();
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
  }
}

function queriesOf(client: PoolClient): Queries {
  return {
    query: async <Row extends QueryResultRow>(
      name: string,
      text: string,
      values: readonly unknown[] = [],
      answerMs?: number,
    ) => {
      const statement = { name: statementName(name), text, values: [...values], query_timeout: answerMs };
      return (await client.query<Row>(statement)).rows;
    },
  };
}

/** A part of a transaction that may fail by itself: then nothing of it remains, and the transaction can go on. */
export async function inSavepoint(queries: Queries, work: () => Promise<void>): Promise<void> {
  await queries.query('savepoint.begin', 'savepoint part');
  try {
    await work();
  } catch (error) {
    await queries.query('savepoint.undo', 'rollback to savepoint part');
    throw error;
  } finally {
    await queries.query('savepoint.end', 'release savepoint part');
  }
}

/** PostgreSQL cuts names after 63 characters, and two long ones that begin alike would be one statement. */
function statementName(name: string): string {
  if (name.length <= 63) return name;
  return `${name.slice(0, 46)}.${createHash('sha256').update(name).digest('hex').slice(0, 16)}`;
}

/** The SQLSTATE of a database error, or undefined for anything else. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

const outageStates = /^(08|53|57P|58|57014|25006)/;
const outageCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
]);
const outageMessages =
  /Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|not queryable/;

function isUnanswered(error: unknown): boolean {
  return types.isNativeError(error) && error.message === 'Query read timeout';
}

/** Whether the error says that the database is away or overloaded: to be tried again, not a bug. */
export function isOutage(error: unknown): boolean {
  if (!types.isNativeError(error)) return false;
  const state = sqlState(error);
  if (state !== undefined && outageStates.test(state)) return true;
  if (outageCodes.has(String((error as { code?: unknown }).code)) || outageMessages.test(error.message)) return true;
  if (isUnanswered(error)) return true;
  const { errors } = error as Partial<AggregateError>;
  if (Array.isArray(errors)) return errors.some(isOutage);
  return error.cause !== undefined && isOutage(error.cause);
}
