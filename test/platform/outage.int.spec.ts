import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client, Pool } from 'pg';
import { isOutage } from '../../src/platform';

const timeoutMs = 100;

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

  const failure = (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    );

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
