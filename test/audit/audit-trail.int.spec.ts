import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { type AuditLine, AuditTrail, DestructionRecords } from '../../src/audit';
import { AuditKeeper } from '../../src/audit/audit.keeper';
import { AuditLineStore } from '../../src/audit/audit-line.store';
import type { KeptLine } from '../../src/audit/audit-line';
import { createLogger, Database } from '../../src/platform';
import { TestClock } from '../support/clock';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';

const line = (given: Partial<AuditLine> = {}): AuditLine => ({
  at: new Date(),
  who: 'an operator',
  what: 'client.suspend',
  outcome: 'done',
  ...given,
});

describe('the audit trail', () => {
  let database: TestDatabase;
  let db: Database;
  const clock = new TestClock();
  const logLines: string[] = [];
  const log = createLogger('info', { write: (text: string) => void logLines.push(text) });

  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });

  const stored = (what: string) =>
    db.query('stored', 'select who, outcome, reason_text, is_operation, details from audit_line where what = $1', [
      what,
    ]);
  const trailOn = (store: Pick<AuditLineStore, 'add'>) => {
    const registry = new Registry();
    const trail = new AuditTrail(store, clock, log, registry);
    const lost = async () => (await registry.getSingleMetric('medmij_audit_lines_lost_total')!.get()).values[0]!.value;
    return { trail, lost };
  };

  it('has stored a line when whoever wrote it goes on', async () => {
    const { trail } = trailOn(new AuditLineStore(db));
    trail.start();
    await trail.write(line({ what: 'a.write', reason_text: 'asked for', details: { delivery_id: 'd' } }));
    expect(await stored('a.write')).toEqual([
      {
        who: 'an operator',
        outcome: 'done',
        reason_text: 'asked for',
        is_operation: true,
        details: { delivery_id: 'd' },
      },
    ]);
    await trail.stop();
  });

  it('tells the log of it too, without what people write in their own words', async () => {
    const { trail } = trailOn(new AuditLineStore(db));
    trail.start();
    await trail.write(line({ what: 'a.told', reason_text: 'called by somebody' }));
    await trail.stop();
    void trail.write(line({ what: 'a.told', reason_text: 'called by somebody' }));
    const told = logLines.filter((text) => text.includes('a.told'));
    expect(told.map((text) => (JSON.parse(text) as { msg: string }).msg)).toEqual([
      'ops.audit',
      'ops.audit',
      'audit.line_lost',
    ]);
    expect(told.join()).not.toContain('somebody');
    expect(await stored('a.told')).toMatchObject([{ reason_text: 'called by somebody' }]);
  });

  it('gathers what comes at once into one statement, and has stored all of it when it stops', async () => {
    const store = new AuditLineStore(db);
    const sizes: number[] = [];
    const { trail } = trailOn({
      add: (lines: readonly KeptLine[], writtenAt: Date) => {
        sizes.push(lines.length);
        return store.add(lines, writtenAt);
      },
    });
    trail.start();
    for (let n = 0; n < 300; n += 1) trail.step(line({ what: 'a.step' }));
    await trail.stop();
    expect(await stored('a.step')).toHaveLength(300);
    expect(sizes.length).toBeLessThan(10);
  });

  it('keeps the other lines when the database takes one of them never', async () => {
    const { trail, lost } = trailOn(new AuditLineStore(db));
    trail.start();
    const texts = ['fine', 'no text for PostgreSQL: \u0000', 'fine too'];
    await Promise.all(texts.map((reason_text) => trail.write(line({ what: 'a.mixture', reason_text }))));
    await trail.stop();
    expect((await stored('a.mixture')).map((row) => row.reason_text)).toEqual(['fine', 'fine too']);
    expect(await lost()).toBe(1);
  });

  it('holds nobody up while the database is away, and stores the line when it is back', async () => {
    let isAway = true;
    const store = new AuditLineStore(db);
    const { trail } = trailOn({
      add: (lines: readonly KeptLine[], writtenAt: Date) =>
        isAway
          ? Promise.reject(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }))
          : store.add(lines, writtenAt),
    });
    trail.start();
    await trail.write(line({ what: 'a.patient' }));
    expect(await stored('a.patient')).toEqual([]);
    isAway = false;
    await eventually(async () => expect(await stored('a.patient')).toHaveLength(1));
    await trail.stop();
  });

  it('says in the log and in a metric what it could not store at the end', async () => {
    const { trail, lost } = trailOn({
      add: () => Promise.reject(Object.assign(new Error('away'), { code: 'ECONNREFUSED' })),
    });
    trail.start();
    await trail.write(line({ what: 'a.loss' }));
    await trail.stop();
    await trail.write(line({ what: 'a.late.loss' }));
    expect(await lost()).toBe(2);
    const told = logLines.filter((text) => text.includes('audit.line_lost'));
    expect(told.some((text) => text.includes('a.loss'))).toBe(true);
    expect(told.some((text) => text.includes('a.late.loss'))).toBe(true);
  });
});

describe('the months of the audit trail', () => {
  let database: TestDatabase;
  let db: Database;

  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });

  const months = async () =>
    (
      await db.query<{ month: string }>(
        'months',
        `select right(c.relname, 6) as month from pg_inherits i join pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'audit_line'::regclass and c.relname ~ '[0-9]{6}$' order by 1`,
      )
    ).map(({ month }) => month);
  const kept = async () =>
    (await db.query<{ what: string }>('kept', 'select what from audit_line order by line_no')).map(({ what }) => what);

  /** A keeper that has looked around once, at that moment. */
  const keepAt = async (moment: string) => {
    const clock = new TestClock();
    clock.set(new Date(moment));
    const log = createLogger('silent');
    const keeper = new AuditKeeper(db, new DestructionRecords(db), clock, log);
    await keeper.start();
    await keeper.stop();
  };
  const write = (what: string, moment: string) =>
    new AuditLineStore(db).add([{ ...line({ what }), isOperation: true }], new Date(moment));

  it('are there before they are needed; what was written before goes into its month', async () => {
    await write('early', '2030-01-15T00:00:00Z');
    await keepAt('2030-01-15T00:00:01Z');
    expect(await months()).toEqual(['203001', '203002', '203003']);
    expect(await db.query('strays', 'select 1 from audit_line_default')).toEqual([]);
    expect(await kept()).toEqual(['early']);
  });

  it('go when all of a month has been kept for 24 months, with a written record, and no other line does', async () => {
    await write('last moment of January', '2030-01-31T23:59:59.999Z');
    await write('first moment of February', '2030-02-01T00:00:00Z');
    await keepAt('2032-01-31T23:59:00Z');
    expect(await kept()).toEqual(['early', 'last moment of January', 'first moment of February']);
    const [, ...others] = await Promise.all([keepAt('2032-02-01T00:00:30Z'), keepAt('2032-02-01T00:00:30Z')]);
    expect(others).toHaveLength(1);
    await keepAt('2032-02-01T00:01:30Z');
    expect(await kept()).toEqual(['first moment of February']);
    const records = await db.query<{ from_moment: Date; to_moment: Date; destroyed_at: Date }>(
      'records',
      'select what, from_moment, to_moment, row_count, destroyed_at from destruction_record',
    );
    expect(records).toEqual([
      {
        what: 'audit_line',
        from_moment: new Date('2030-01-01T00:00:00Z'),
        to_moment: new Date('2030-02-01T00:00:00Z'),
        row_count: '2',
        destroyed_at: expect.any(Date),
      },
    ]);
    expect(records[0]!.destroyed_at.toISOString()).toMatch(/^2032-02-01/);
  });

  it('go too when they were never made in time', async () => {
    await write('stray', '2030-02-10T00:00:00Z');
    await db.query('detach', 'alter table audit_line detach partition audit_line_203002');
    await db.query('drop', 'drop table audit_line_203002');
    await write('stray', '2030-02-10T00:00:00Z');
    await keepAt('2033-01-01T00:00:00Z');
    expect(await kept()).toEqual([]);
    const [record] = await db.query(
      'record',
      `select row_count from destruction_record where from_moment = '2030-02-01Z'`,
    );
    expect(record).toEqual({ row_count: '1' });
  });
});
