import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { schemaDump, schemaFile } from '../../dev/schema-dump';
import { Database, migrate } from '../../src/platform';
import { migrationClasses } from '../../src/platform/migrations';
import { createEmptyDatabase, type TestDatabase } from '../support/database';

describe('the migrations', () => {
  let database: TestDatabase;
  const open: { destroy(): Promise<void> }[] = [];
  const connect = async () => {
    const db = await Database.connect(database.url);
    open.push({ destroy: () => db.close() });
    return db;
  };

  beforeEach(async () => {
    database = await createEmptyDatabase();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.destroy()));
    await database.drop();
  });

  it('bring an empty database to the present schema, in the order of their moments', async () => {
    const db = await connect();
    expect(await db.pendingMigrations()).toBe(true);
    const ran = await migrate(db.dataSource);
    expect(ran).toHaveLength(migrationClasses().length);
    const moments = ran.map((name) => Number(name.split('-').at(-1)));
    expect(moments).toEqual([...moments].sort((a, b) => a - b));
    expect(await db.pendingMigrations()).toBe(false);
  });

  it('find nothing to do the second time', async () => {
    const db = await connect();
    await migrate(db.dataSource);
    const before = await schemaDump(database.url);
    expect(await migrate(db.dataSource)).toEqual([]);
    expect(await schemaDump(database.url)).toBe(before);
  });

  it('run once when several processes start them at once: the others wait and find nothing to do', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, connect));
    const ran = await Promise.all(all.map((db) => migrate(db.dataSource)));
    expect(ran.map(({ length }) => length).sort()).toEqual([0, 0, 0, migrationClasses().length]);
    for (const db of all) expect(await db.pendingMigrations()).toBe(false);
  });

  it('take as long as they take: what limits the statements of the service does not limit them', async () => {
    const patient = await Database.connectPatiently(database.url, 'migrations test');
    open.push({ destroy: () => patient.close() });
    const [limits] = await patient.query<{ ours: string; usual: string }>(
      'limits',
      `select current_setting('statement_timeout') as ours, boot_val as usual from pg_settings where name = 'statement_timeout'`,
    );
    expect(limits!.ours).toBe(limits!.usual);
    const [usual] = await (await connect()).query('limit', `select current_setting('statement_timeout') as ours`);
    expect(usual).toEqual({ ours: '30s' });
  });

  it('add up to migrations/schema.sql', async () => {
    await migrate((await connect()).dataSource);
    const present = await schemaDump(database.url);
    const written = existsSync(schemaFile) ? readFileSync(schemaFile, 'utf8') : '';
    const hint =
      'migrations/schema.sql is not what the migrations make: run "npm run schema:dump" and commit the result.';
    // The hint stands in both, so that it is the first thing to read when they differ.
    expect([hint, ...written.split('\n')]).toEqual([hint, ...present.split('\n')]);
  });

  it('show every change in that dump', async () => {
    const db = await connect();
    await migrate(db.dataSource);
    let before = await schemaDump(database.url);
    for (const change of [
      'alter table stream add column note text',
      `alter table stream alter column note set default 'none'`,
      'alter table stream alter column note set not null',
      'alter table stream add constraint note_short check (length(note) < 10)',
      'create index stream_note on stream (note)',
      `create or replace function log_position(p_epoch integer, p_xid xid8, p_pos bigint) returns text
       language sql immutable strict parallel safe as $$ select 'elsewhere' $$`,
      'create view streams as select stream_id from stream',
      'drop table sealed_key',
    ]) {
      await db.query(change, change);
      const after = await schemaDump(database.url);
      expect({ change, isShown: after !== before }).toEqual({ change, isShown: true });
      before = after;
    }
  });

  describe('in another folder', () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'migrations-'));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    const write = (name: string, sql: string) => writeFileSync(join(folder, name), sql);
    const run = async () => {
      const source = new DataSource({
        type: 'postgres',
        url: database.url,
        migrations: migrationClasses(folder),
        migrationsTableName: 'migration',
        logger: 'debug',
      });
      open.push(await source.initialize());
      return migrate(source);
    };

    it('leave nothing of the one that fails, keep what ran before it, and can be run again', async () => {
      write('20260101T0900-first.sql', 'create table first (id integer)');
      write('20260101T0910-second.sql', 'create table second (id integer); select 1 / 0');
      await expect(run()).rejects.toThrow('division by zero');
      const tables = await (
        await connect()
      ).query('tables', `select tablename from pg_tables where schemaname = 'public' and tablename <> 'migration'`);
      expect(tables).toEqual([{ tablename: 'first' }]);
      write('20260101T0910-second.sql', 'create table second (id integer)');
      expect(await run()).toEqual([expect.stringMatching(/^second-/)]);
    });
  });
});

describe('a folder of migrations', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'migrations-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const write = (name: string) => writeFileSync(join(folder, name), 'select 1');

  it('may hold the dump and what is no SQL', () => {
    write('20260101T0900-first.sql');
    write('schema.sql');
    write('README.md');
    expect(migrationClasses(folder).map((migration) => new migration().name)).toEqual([
      `first-${Date.UTC(2026, 0, 1, 9)}`,
    ]);
  });

  it('has no way back', async () => {
    write('20260101T0900-first.sql');
    const [first] = migrationClasses(folder);
    await expect(new first!().down(undefined as never)).rejects.toThrow('append-only');
  });

  it.each([
    'first.sql',
    '20260101-first.sql',
    '20260101T09-first.sql',
    '20260101T090000-first.sql',
    '2026-01-01T0900-first.sql',
    '20260101T0900.sql',
    '20260101T0900-.sql',
    '20260101T0900-First.sql',
    '20260101T0900-a_table.sql',
    '20260101T0900 first.sql',
  ])('may not hold the name %s', (name) => {
    write(name);
    expect(() => migrationClasses(folder)).toThrow(
      `migrations/${name}: the name must look like 20260101T0900-name.sql`,
    );
  });

  it.each(['20261301T0900-first.sql', '20260230T0900-first.sql', '20260101T2400-first.sql', '20260101T0960-first.sql'])(
    'may not hold a moment that does not exist: %s',
    (name) => {
      write(name);
      expect(() => migrationClasses(folder)).toThrow(`migrations/${name}: there is no such moment`);
    },
  );
});
