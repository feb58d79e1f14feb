import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client, Pool } from 'pg';
import { Database, isOutage } from '../../src/platform';
import { clusterUrl } from '../support/database';

const timeoutMs = 100;

const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

/** As one that is frozen: it takes the connection and says nothing. */
describe('a database that does not answer', () => {
  let silent: Server;
  let connectionString: string;
  beforeAll(async () => {
    silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    connectionString = `postgres://someone@127.0.0.1:${(silent.address() as AddressInfo).port}/some`;
  });
  afterAll(() => void silent.close());

  it('is an outage to a client that waits for it to say hello', async () => {
    const client = new Client({ connectionString, connectionTimeoutMillis: timeoutMs });
    expect(isOutage(await failure(client.connect()))).toBe(true);
  });

  it('is an outage to whoever waits for a connection of a pool', async () => {
    const pool = new Pool({ connectionString, connectionTimeoutMillis: timeoutMs });
    expect(isOutage(await failure(pool.query('select 1')))).toBe(true);
    await pool.end();
  });
});

/** As behind a network that lets nothing through any more: no connection ends, and no answer comes. */
describe('a database that has answered, and falls silent', () => {
  let between: Server;
  let isSilent = false;
  let database: Database;
  beforeAll(async () => {
    const url = new URL(clusterUrl());
    const target = { host: url.hostname, port: Number(url.port) };
    between = createServer((near) => {
      const far = connect(target);
      const wasSilent = isSilent;
      near.on('data', (data) => void ((isSilent && !wasSilent) || far.write(data)));
      far.on('data', (data) => void ((isSilent && !wasSilent) || near.write(data)));
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        one.on('error', () => undefined);
        one.on('close', () => other.destroy());
      }
    }).listen(0, '127.0.0.1');
    await once(between, 'listening');
    url.hostname = '127.0.0.1';
    url.port = String((between.address() as AddressInfo).port);
    database = await Database.connect(url.href, 'outage', 500);
  });
  afterAll(async () => {
    await database.close();
    between.close();
  });

  const works = () => database.query<{ one: number }>('works', 'select 1 as one');

  it('is an outage to a question, and to a transaction, after the time an answer may take; then there are new connections', async () => {
    const held = database.transaction(async (queries) => {
      await queries.query('begun', 'select 1');
      isSilent = true;
      await queries.query('unanswered', 'select 2');
    });
    expect(isOutage(await failure(held))).toBe(true);
    isSilent = false;
    await works();
    isSilent = true;
    expect(isOutage(await failure(works()))).toBe(true);
    // Connections that are opened now get through.
    expect(await works()).toEqual([{ one: 1 }]);
    expect(database.poolState()).toMatchObject({ total: 1, idle: 1, waiting: 0 });
  });
});
