import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Client } from 'pg';
import { startPostgres, type PostgresServer } from '../../dev/embedded/postgres';
import { freePort } from '../../dev/ports';
import { findProcess } from '../../dev/processes/identity';
import { leaveBehind, temporaryDataDirectory } from './left-behind';

async function ask<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

// Several real starts in one test, on a machine that may be busy.
jest.setTimeout(180_000);

describe('the embedded PostgreSQL', () => {
  const dataDir = temporaryDataDirectory();
  let port: number;
  let server: PostgresServer | undefined;

  const start = async (settings?: Record<string, string>) =>
    (server = await startPostgres({ dataDir, port, ...(settings ? { settings } : {}) }));

  beforeAll(async () => {
    port = await freePort();
  });
  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });
  afterAll(() => rmSync(dataDir, { recursive: true }));

  it('finds its data again at the second start', async () => {
    const first = await start();
    await ask(first.url, 'create table kept as select 42 as answer');
    await first.stop();
    const second = await start();
    expect(await ask(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    expect(second.adopted).toBe(false);
  });

  it('keeps others out, also on this machine', async () => {
    const { url } = await start();
    await expect(ask(url.replace(/:[^:@/]+@/, ':guess@'), 'select 1')).rejects.toThrow(
      'password authentication failed',
    );
  });

  it('takes settings', async () => {
    const { url } = await start({ max_prepared_transactions: '7' });
    expect(await ask(url, 'show max_prepared_transactions')).toEqual([{ max_prepared_transactions: '7' }]);
  });

  it('adopts the server a killed run left behind', async () => {
    const pid = await leaveBehind('postgres', dataDir, port);
    const adopted = await start();
    expect(adopted).toMatchObject({ pid, adopted: true });
    await adopted.stop();
    expect(findProcess(pid)).toBeUndefined();
  });

  it('replaces the server a killed run left behind with other settings', async () => {
    const pid = await leaveBehind('postgres', dataDir, port);
    const replaced = await start({ max_connections: '50' });
    expect(replaced.pid).not.toBe(pid);
    expect(findProcess(pid)).toBeUndefined();
    expect(await ask(replaced.url, 'show max_connections')).toEqual([{ max_connections: '50' }]);
  });

  it('starts past the process id file of a server that died with the machine', async () => {
    const { directory } = await start();
    const file = join(directory, 'postmaster.pid');
    const left = readFileSync(file, 'utf8');
    await server!.stop();
    // Its id has gone to a program that has nothing to do with it.
    writeFileSync(file, left.replace(/^\d+/, String(process.pid)), { mode: 0o644 });
    expect((await start()).adopted).toBe(false);
  });

  it('says in one sentence which port is taken and how to move', async () => {
    const other = createServer().listen(port, '127.0.0.1');
    await new Promise((listening) => other.once('listening', listening));
    try {
      await expect(start()).rejects.toThrow(
        new RegExp(`^Port ${port}, .* is in use by another program: .* EMBEDDED_POSTGRES_PORT to a free port\\.$`),
      );
    } finally {
      other.close();
    }
  });

  it('says in one sentence that the data is of another version', async () => {
    const { directory } = await start();
    await server!.stop();
    const file = join(directory, 'PG_VERSION');
    const version = readFileSync(file, 'utf8');
    writeFileSync(file, '12\n');
    try {
      await expect(start()).rejects.toThrow(/made by PostgreSQL 12 and this is PostgreSQL \d+: /);
    } finally {
      writeFileSync(file, version);
    }
  });

  it('leaves nothing half-made when stopped while making its data, and then starts anew', async () => {
    const other = temporaryDataDirectory();
    try {
      const stopping = new AbortController();
      setTimeout(() => stopping.abort(), 150);
      await expect(startPostgres({ dataDir: other, signal: stopping.signal })).rejects.toThrow('stopped');
      expect(readdirSync(other)).not.toContain('postgres');
      const again = await startPostgres({ dataDir: other });
      await again.stop();
    } finally {
      rmSync(other, { recursive: true });
    }
  });
});
