import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AttemptLogStore } from '../../src/notifications/attempt-log.store';
import { Database } from '../../src/platform';
import { createDatabase, type TestDatabase } from '../support/database';

const dayMs = 86_400_000;
const keptDays = 90;

describe('the log of attempts', () => {
  let database: TestDatabase;
  let db: Database;
  let log: AttemptLogStore;

  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
    log = new AttemptLogStore(db);
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });
  beforeEach(async () => {
    for (const name of await days()) await db.query(`drop.${name}`, `drop table ${name}`);
    await db.query('empty', 'truncate delivery_attempt');
  });

  /** In days from today. */
  const dayName = (days: number) =>
    `delivery_attempt_${new Date(Date.now() + days * dayMs).toISOString().slice(0, 10).replaceAll('-', '')}`;
  const days = async () =>
    (
      await db.query<{ name: string }>(
        'days',
        `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'delivery_attempt'::regclass and c.relname ~ '[0-9]{8}$' order by 1`,
      )
    ).map(({ name }) => name);
  const rowsOf = async (table: string) =>
    (await db.query<{ delivery_id: string }>(`rows.${table}`, `select delivery_id from ${table}`)).map(
      (row) => row.delivery_id,
    );
  const write = async (id: string, writtenAt = new Date()) => {
    await db.query(
      'write',
      `insert into delivery_attempt (written_at, delivery_id, attempt, outcome, subscription_id, sequence, client_id, service_id,
         interface_version, notification_type, correlation_id, due_at, created_at, deadline_at, fence)
       values ($2, $1, 1, 'delivered', 's.1', 1, 'app.example', '42', '3.0.0', 'subscription', 'c', now(), now(), now(), 1)`,
      [id, writtenAt],
    );
    return id;
  };

  it('has a week of days ahead, today the first', async () => {
    expect(await log.hasToday()).toBe(false);
    expect(await log.keepDays()).toBe(true);
    expect(await log.hasToday()).toBe(true);
    expect(await days()).toEqual([0, 1, 2, 3, 4, 5, 6].map(dayName));
    const id = await write(randomUUID());
    expect(await rowsOf(dayName(0))).toEqual([id]);
  });

  it('keeps what was written before its day was made, in the day once that is there', async () => {
    const [today, tomorrow] = [await write(randomUUID()), await write(randomUUID(), new Date(Date.now() + dayMs))];
    expect(await rowsOf('delivery_attempt_default')).toHaveLength(2);
    await log.keepDays();
    expect(await rowsOf('delivery_attempt_default')).toEqual([]);
    expect(await rowsOf(dayName(0))).toEqual([today]);
    expect(await rowsOf(dayName(1))).toEqual([tomorrow]);
  });

  it('drops a day when it has been kept for its time, and strays of that age with it', async () => {
    await log.keepDays();
    for (const age of [keptDays, keptDays + 1]) {
      const day = new Date(Date.now() - age * dayMs).toISOString().slice(0, 10);
      await db.query(
        `old.${age}`,
        `create table ${dayName(-age)} partition of delivery_attempt for values from ('${day} 00:00+00') to ('${day} 24:00+00')`,
      );
    }
    await write(randomUUID(), new Date(Date.now() - (keptDays + 30) * dayMs));
    await log.keepDays();
    expect((await days())[0]).toBe(dayName(-keptDays));
    expect(await rowsOf('delivery_attempt_default')).toEqual([]);
  });

  it('is kept by one process at a time; one that is about to write waits for whoever makes the days', async () => {
    const order: string[] = [];
    let waiting: Promise<void> | undefined;
    await db.transaction(async (queries) => {
      await queries.query('hold', 'select pg_advisory_xact_lock(7302410554)');
      expect(await log.keepDays()).toBe(false);
      waiting = log.keepDays({ waits: true }).then(() => void order.push('kept'));
      order.push('held');
    });
    await waiting;
    expect(order).toEqual(['held', 'kept']);
  });
});
