import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database, isOutage } from '../../src/platform';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { DatabaseProxy } from './database-proxy';

describe('the network between service and database, in the hands of a test', () => {
  let database: TestDatabase;
  let proxy: DatabaseProxy;
  let behind: Database;
  let direct: Database;
  beforeAll(async () => {
    database = await createDatabase();
    proxy = await DatabaseProxy.start(database.url);
    behind = await Database.connect(proxy.url(database.url, 'a name'));
    direct = await Database.connect(database.url);
    await direct.query('table', 'create table note (id integer)');
  });
  afterAll(async () => {
    await Promise.all([behind.close(), direct.close()]);
    await proxy.stop();
    await database.drop();
  });

  const notes = async () =>
    (await direct.query<{ id: number }>('notes', 'select id from note order by id')).map(({ id }) => id);
  const note = (id: number) =>
    behind.transaction((queries) => queries.query('note', 'insert into note values ($1)', [id]));
  const outcome = (work: Promise<unknown>) =>
    work.then(
      () => 'answered',
      (error: unknown) => (isOutage(error) ? 'outage' : String(error)),
    );

  it('lets everything through, under the name the client was given', async () => {
    expect(await outcome(note(1))).toBe('answered');
    expect(await notes()).toEqual([1]);
    const [row] = await behind.query<{ name: string }>('name', `select current_setting('application_name') as name`);
    expect(row!.name).toBe('a name');
  });

  it('loses the answer of a commit that took place', async () => {
    proxy.loseAnswers(1);
    expect(await outcome(note(2))).toBe('outage');
    expect(await notes()).toEqual([1, 2]);
    expect(proxy.lostAnswers).toBe(1);
    expect(await outcome(note(3))).toBe('answered');
  });

  it('loses the answer of an append, which is a commit by itself', async () => {
    proxy.loseAnswers(1);
    expect(await outcome(behind.query('event-store.append', 'insert into note values (4)'))).toBe('outage');
    expect(await notes()).toEqual([1, 2, 3, 4]);
  });

  it('breaks every connection, and what was under way with it', async () => {
    const slow = outcome(behind.query('slow', 'select pg_sleep(20)'));
    expect(await outcome(behind.query('quick', 'select 1'))).toBe('answered');
    expect(proxy.cut()).toBeGreaterThan(0);
    expect(await slow).toBe('outage');
    // A connection that lay idle in the pool may be handed out before its end is noticed.
    await eventually(async () => expect(await outcome(note(5))).toBe('answered'));
  });
});
