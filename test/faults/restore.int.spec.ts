import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildApp, LogAheadOfCluster } from '../../src/app';
import { readConfig } from '../../src/config';
import { createLogger, Database } from '../../src/platform';
import { accepted, isReady, itemOf, type Standing } from '../journeys/walk';
import { TestService } from '../support/app';
import { type TestCluster, startCluster } from '../support/cluster';
import { Connection } from '../support/connection';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';

const projectRoot = resolve(__dirname, '../..');

interface EventRow {
  event_id: string;
  stream_id: string;
  version: number;
  epoch: number;
  position: string;
}

/** The operator's command line as `npm run ops -- ...` runs it. */
async function ops(databaseUrl: string, ...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ['dev/run.mjs', 'ops', ...args], {
    cwd: projectRoot,
    env: { PATH: process.env.PATH, DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, output };
}

/** Every row of every table, as a dump and its restore carry them over. */
async function copyRows(from: Connection, to: Connection): Promise<void> {
  const tables = await from.ask<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition and relname <> 'migration'`,
  );
  for (const { name } of tables) {
    const [rows] = await from.ask<{ all: string }>(`select coalesce(json_agg(t), '[]')::text as all from "${name}" t`);
    const [written] = await from.ask<{ columns: string }>(
      `select string_agg(format('%I', attname), ', ') as columns from pg_attribute
       where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
      [name],
    );
    await to.ask(`truncate "${name}"`);
    await to.ask(
      `insert into "${name}" (${written!.columns}) overriding system value
       select ${written!.columns} from json_populate_recordset(null::"${name}", $1::json)`,
      [rows!.all],
    );
  }
  await to.ask(`select setval(pg_get_serial_sequence('event', 'pos'), (select max(pos) from event))`);
}

describe('a database restored into a cluster whose transaction ids are lower', () => {
  let old: TestCluster;
  let fresh: TestCluster;
  let oldDatabase: TestDatabase;
  let freshDatabase: TestDatabase;
  let source: Connection;
  let restored: Connection;
  let service: TestService;
  const standings: Standing[] = [];

  beforeAll(async () => {
    [old, fresh] = await Promise.all([startCluster(), startCluster()]);
    [oldDatabase, freshDatabase] = await Promise.all([createDatabase(old.url), createDatabase(fresh.url)]);
    [source, restored] = [await Connection.open(oldDatabase.url), await Connection.open(freshDatabase.url)];
    await source.ask(
      'do $$ begin for i in 1 .. 20000 loop perform pg_current_xact_id(); commit; end loop; end $$ language plpgsql',
    );
    service = await TestService.start({ DATABASE_URL: oldDatabase.url });
    await isReady(service);
    await service.world.otherSide.follow('medmij.subscriptions.v1');
  });
  afterAll(async () => {
    await service?.stop();
    await Promise.all([source?.close(), restored?.close()]);
    await Promise.all([old?.stop(), fresh?.stop()]);
  });

  const seen = () => service.world.otherSide.seen;
  const events = () =>
    restored.ask<EventRow>(
      `select event_id, stream_id, version, epoch, log_position(epoch, xid, pos) as position from event order by epoch, xid, pos`,
    );
  const start = (url: string) =>
    buildApp(readConfig({ ...service.world.env, DATABASE_URL: url }, projectRoot), createLogger('silent'));

  it('is refused at start, with the way out in the message', async () => {
    for (let n = 0; n < 5; n += 1) standings.push(await accepted(service));
    await eventually(() => expect(seen()).toHaveLength(5));
    await eventually(() => expect(service.world.dvp.received).toHaveLength(5));
    // What the followers have not read yet when the backup is made.
    await service.restart({ ROLES: 'api' });
    for (let n = 0; n < 5; n += 1) standings.push(await accepted(service));
    await copyRows(source, restored);
    await expect(start(freshDatabase.url)).rejects.toThrow(LogAheadOfCluster);
    await expect(start(freshDatabase.url)).rejects.toThrow(/raise-epoch/);
  });

  it('is not helped by a command that is misspelt, or given in the wrong place', async () => {
    for (const args of [[], ['raise'], ['raise-epoch', 'now'], ['toString']]) {
      const { code, output } = await ops(freshDatabase.url, ...args);
      expect([args, code, output]).toEqual([args, 2, expect.stringMatching(/^Usage: .*\n {2}raise-epoch /)]);
    }
    // The service still works on the other one.
    const busy = await ops(oldDatabase.url, 'raise-epoch');
    expect([busy.code, busy.output]).toEqual([
      1,
      expect.stringMatching(/^The service is still connected to this database/),
    ]);
  });

  it('keeps its epoch while a process of the service is connected', async () => {
    const connected = await Database.connect(freshDatabase.url);
    // As a process does: a connection that nobody uses is closed before a slow machine has started the command.
    const busy = setInterval(() => void connected.query('busy', 'select 1'), 500);
    const { code, output } = await ops(freshDatabase.url, 'raise-epoch');
    clearInterval(busy);
    expect([code, output]).toEqual([1, expect.stringMatching(/^The service is still connected .* stop every process/)]);
    await connected.close();
    expect(await restored.ask('select epoch from log')).toEqual([{ epoch: 1 }]);
  });

  it('keeps its epoch while an append may still come in under it', async () => {
    const appending = await Connection.open(freshDatabase.url);
    await appending.begin();
    await appending.ask('select epoch from log');
    const { code, output } = await ops(freshDatabase.url, 'raise-epoch');
    expect([code, output]).toEqual([1, expect.stringMatching(/^Somebody is using the table log/)]);
    await appending.rollback();
    await appending.close();
    expect(await restored.ask('select epoch from log')).toEqual([{ epoch: 1 }]);
  });

  it('goes on once the epoch is raised: followers lose nothing and repeat nothing, positions go on upwards', async () => {
    const { code, output } = await ops(freshDatabase.url, 'raise-epoch');
    expect([code, output]).toEqual([0, 'The epoch of the log "main" is 2 now; the service can start.\n']);
    await service.restart({ DATABASE_URL: freshDatabase.url, ROLES: '' });
    await isReady(service);
    for (let n = 0; n < 5; n += 1) standings.push(await accepted(service));

    const log = await events();
    expect(log.map(({ epoch }) => epoch)).toEqual([...Array<number>(10).fill(1), ...Array<number>(5).fill(2)]);
    expect(log.map(({ position }) => position)).toEqual(standings.map(({ position }) => position));
    expect(standings.map(({ position }) => position)).toEqual(standings.map(({ position }) => position).sort());
    for (const { subscription_id: id, position } of standings) {
      expect(await itemOf(service, id, position)).toMatchObject({ status: 'active', version: 1 });
    }
    await eventually(() => expect(service.world.dvp.received).toHaveLength(15), 20_000);
    await eventually(() => expect(seen()).toHaveLength(15), 20_000);
    // Each once, and in the log's order within each partition, so within each stream.
    expect(new Set(seen().map(({ headers }) => headers.ce_id))).toEqual(new Set(log.map(({ event_id }) => event_id)));
    expect(new Set(service.world.dvp.received.map(({ body }) => body.subscription_id)).size).toBe(15);
  });

  it('is not raised a second time', async () => {
    await service.restart({ DATABASE_URL: oldDatabase.url, ROLES: 'api' });
    const { code, output } = await ops(freshDatabase.url, 'raise-epoch');
    expect([code, output]).toEqual([1, expect.stringMatching(/^The epoch need not be raised/)]);
    expect(await restored.ask('select epoch from log')).toEqual([{ epoch: 2 }]);
  });
});
