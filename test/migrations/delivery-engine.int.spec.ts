import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { DeliveryQueue } from '../../src/notifications/delivery-queue.store';
import { DeliveryRecords } from '../../src/notifications/delivery-records.store';
import { Database, migrate } from '../../src/platform';
import { migrationClasses } from '../../src/platform/migrations';
import { createEmptyDatabase, type TestDatabase } from '../support/database';

const migrations = resolve(__dirname, '../../migrations');
const states = ['pending', 'sending', 'parked', 'delivered', 'dead', 'dropped'];

describe('the migration to the delivery engine', () => {
  let database: TestDatabase;
  let folder: string;
  let db: Database | undefined;

  beforeEach(async () => {
    database = await createEmptyDatabase();
    folder = mkdtempSync(join(tmpdir(), 'migrations-'));
  });
  afterEach(async () => {
    await db?.close();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  it('keeps what waits in its place, moves what is finished to the log, and knows what has been planned', async () => {
    for (const file of readdirSync(migrations))
      if (/^\d/.test(file) && file < '20261123T1000') symlinkSync(join(migrations, file), join(folder, file));
    const before = await new DataSource({
      type: 'postgres',
      url: database.url,
      migrations: migrationClasses(folder),
      migrationsTableName: 'migration',
    }).initialize();
    await migrate(before);
    for (const [n, state] of states.entries())
      await before.query(
        `insert into delivery (delivery_id, subscription_id, sequence, client_id, service_id, interface_version, notification_type,
           end_date, correlation_id, state, attempts, due_at, created_at, deadline_at, last_status)
         values (md5($1)::uuid, 'stream ' || $2::integer || '.1', 3, 'app.example', '42', '3.0.0', 'subscription', '2026-07-01', 'conversation',
           $1, $2, '2026-03-01', '2026-03-01', '2026-03-15', 204)`,
        [state, n],
      );
    await before.query(
      `insert into event (epoch, xid, stream_id, version, event_id, type, data, metadata, occurred_at)
       select 1, '5', gen_random_uuid(), n, gen_random_uuid(), 'nl.medmij.subscription.' || type || '.v1',
              '{"subscription_id": "stream 0.1"}', '{}', now()
       from unnest(array['started', 'adjusted', 'adjusted', 'suspended', 'resumed']) with ordinality as t (type, n)`,
    );
    // The planner has not read the last one yet.
    await before.query(
      `insert into log_reader (log, name, epoch, xid, pos) select 'main', 'planner', 1, '5', pos from event where version = 4`,
    );
    await before.destroy();

    db = await Database.connect(database.url);
    await migrate(db.dataSource);

    const records = new DeliveryRecords(db);
    for (const [n, state] of states.entries()) {
      const [found, ...more] = await records.list({ subscription_id: `stream ${n}.1` }, undefined, 10);
      expect(more).toEqual([]);
      expect(found).toMatchObject({ state, attempts: n, last_status: 204, created_at: new Date('2026-03-01') });
    }
    expect(await db.query('left', 'select state from delivery order by state')).toEqual(
      ['parked', 'pending', 'sending'].map((state) => ({ state })),
    );
    expect(await db.query('default', 'select 1 from delivery_attempt_default')).toEqual([]);
    const claimed = await new DeliveryQueue(db).claimDue(
      new Date('2026-03-02'),
      { total: 10, tried: 10, unproven: 10, room: 10, rooms: new Map() },
      1_000,
    );
    expect(claimed.map(({ subscription_id }) => subscription_id)).toEqual(['stream 0.1']);
    expect(
      await db.query(
        'known',
        `select planned_sequence, told_sequence, status from notified_subscription where subscription_id in ('stream 0.1', 'stream 3.1')
         order by subscription_id`,
      ),
    ).toEqual([
      { planned_sequence: 4, told_sequence: 3, status: 'suspended' },
      { planned_sequence: 3, told_sequence: 3, status: 'active' },
    ]);
  });
});
