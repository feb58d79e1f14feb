import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type AppendRequest, CheckpointStore, EventStore, streamIdOf } from '../../src/event-store';
import { KnownPersons, PersonalSeal, PersonIdentities, type PersonIdentity } from '../../src/persons';
import { PersonKey } from '../../src/persons/person-key';
import { PersonKeyMover } from '../../src/persons/person-key.mover';
import { PersonKeyMoveStore } from '../../src/persons/person-key-move.store';
import { createLogger, Database, Signal } from '../../src/platform';
import { TestClock } from '../support/clock';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';

const newKey = () => new PersonKey(randomBytes(32));
const names: [string, string, string] = ['client', 'provider', 'service'];

describe('while PERSON_KEY is being rotated', () => {
  let database: TestDatabase;
  let db: Database;
  let clock: TestClock;
  let [old, current]: PersonKey[] = [];
  const log = createLogger('silent');
  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });
  beforeEach(async () => {
    [old, current] = [newKey(), newKey()];
    clock = new TestClock();
    await db.query('forget', 'truncate person, person_key_move');
  });

  const moverTo = (key: PersonKey, previousKey: PersonKey) =>
    new PersonKeyMover({
      checkpoints: new CheckpointStore(db, 'main'),
      store: new PersonKeyMoveStore(db),
      key,
      previousKey,
      clock,
      log,
    });
  /** Runs a mover until it has nothing left to do, and what a test does meanwhile. */
  async function move(mover: PersonKeyMover, meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    mover.start();
    try {
      await meanwhile();
      await eventually(async () => expect(await mover.progress()).toBe(1), 30_000);
      expect(await mover.check()).toEqual({ status: 'ok' });
    } finally {
      await mover.stop();
    }
  }
  async function make(identity: PersonIdentity): Promise<string> {
    const row = identity.newRow();
    await db.query(
      'make',
      'insert into person (subject_hash, person_id, sealed_subject, key_id) values ($1, $2, $3, $4)',
      [row.subjectHash, row.personId, row.sealedSubject, row.keyId],
    );
    return row.personId;
  }
  async function makeMany(count: number): Promise<Map<string, string>> {
    const identities = new PersonIdentities(old!);
    const subjects = Array.from({ length: count }, (_, index) => `subject ${index}`);
    const made = await Promise.all(subjects.map(async (one) => [one, await make(identities.of(one))] as const));
    return new Map(made);
  }
  const rowsUnder = async (key: PersonKey) =>
    (await db.query('rows-under', 'select 1 from person where key_id = $1', [key.id])).length;
  const knownUnder = (key: PersonKey, previous?: PersonKey) => {
    const [identities, persons] = [
      new PersonIdentities(key, previous),
      new KnownPersons(db, new PersonalSeal(key, previous)),
    ];
    return {
      idOf: (subject: string) => persons.idOf(identities.of(subject)),
      subjectOf: (personId: string) => persons.subjectOf(personId),
    };
  };

  it('every person moves to the new key, and is found and opened all the time; then the old key may go', async () => {
    const persons = await makeMany(500);
    const views = [knownUnder(current!, old), knownUnder(old!, current)];
    const mover = moverTo(current!, old!);
    await move(mover, async () => {
      for (const [subject, id] of persons) {
        for (const { idOf, subjectOf } of views) {
          expect(await idOf(subject)).toBe(id);
          expect(await subjectOf(id)).toMatchObject({ subject });
        }
      }
    });
    expect([await rowsUnder(old!), await rowsUnder(current!)]).toEqual([0, 500]);
    const afterwards = knownUnder(current!);
    for (const [subject, id] of persons) {
      expect(await afterwards.idOf(subject)).toBe(id);
      expect(await afterwards.subjectOf(id)).toMatchObject({ subject });
    }
  });

  it('who comes in by a process that still has the old key first is moved at the next look', async () => {
    await makeMany(3);
    await move(moverTo(current!, old!));
    await make(new PersonIdentities(old!, current).of('late'));
    clock.advance(11 * 60 * 1000);
    const mover = moverTo(current!, old!);
    mover.start();
    await eventually(async () => expect(await rowsUnder(old!)).toBe(0), 30_000);
    await mover.stop();
    expect(await rowsUnder(current!)).toBe(4);
  });

  it('a key that persons left again is moved to anew, and no figure says that they are there already', async () => {
    await makeMany(3);
    await move(moverTo(current!, old!));
    await move(moverTo(old!, current!));
    const again = moverTo(current!, old!);
    expect(await again.progress()).toBe(0);
    await move(again);
    expect([await rowsUnder(old!), await rowsUnder(current!)]).toEqual([0, 3]);
  });

  it('another process goes on where one was stopped', async () => {
    const persons = await makeMany(700);
    const [middle] = [...persons.values()].sort().slice(300);
    const store = new PersonKeyMoveStore(db);
    const pair = { from: old!.id, to: current!.id };
    await store.begin(pair, clock.now());
    await store.move(pair, [], { to: middle!, unknown: 0 });
    expect((await moverTo(current!, old!).progress()).toFixed(2)).toBe(
      (parseInt(middle!.slice(0, 8), 16) / 2 ** 32).toFixed(2),
    );
    await move(moverTo(current!, old!));
    expect([await rowsUnder(old!), await rowsUnder(current!)]).toEqual([0, 700]);
    expect(await store.state(pair)).toMatchObject({ moved: 700, left_behind: 0 });
  });

  it('somebody erased in the middle of it stays erased', async () => {
    const persons = await makeMany(300);
    const erased = persons.get('subject 7')!;
    const known = new KnownPersons(db, new PersonalSeal(current!, old));
    await move(moverTo(current!, old!), () => known.forget(erased, db));
    expect(await known.subjectOf(erased)).toBeUndefined();
    expect(await rowsUnder(current!)).toBe(299);
  });

  it('a person whom no key opens is left as it is, and readiness says so; the others move', async () => {
    const persons = await makeMany(3);
    await make(new PersonIdentities(newKey()).of('of an unknown key'));
    await db.query('spoil', `update person set sealed_subject = '\\x00' where person_id = $1`, [
      persons.get('subject 0'),
    ]);
    const both = new PersonIdentities(current!).of('subject 1');
    await make(both);
    const mover = moverTo(current!, old!);
    mover.start();
    await eventually(async () =>
      expect(await mover.check()).toEqual({
        status: 'degraded',
        reason: '3 persons could not be moved to the present PERSON_KEY',
      }),
    );
    await mover.stop();
    expect([await rowsUnder(old!), await rowsUnder(current!)]).toEqual([2, 2]);
  });

  it('a new person gets one row, whichever key the processes have first, and whatever moves meanwhile', async () => {
    const store = new EventStore(db, 'main', new Signal());
    const sides = [new PersonIdentities(old!, current), new PersonIdentities(current!, old)];
    const request = ({ newRow }: PersonIdentity): AppendRequest => {
      const person = newRow();
      const streamId = streamIdOf(person.personId, ...names);
      const [facts, trace] = [[{ type: 'fact', data: {} }], { correlation_id: 'c', causation_id: 'c' }];
      return { streamId, expectedVersion: 0, facts, dueOn: null, person, trace, occurredAt: new Date() };
    };
    /** As an order book does it: somebody who is known already is not made. */
    const comeIn = async (subjects: readonly string[], identities: PersonIdentities): Promise<number> => {
      const asked = subjects.map((subject) => identities.of(subject));
      const read = await store.read(
        asked.map(({ subjectHash, previousSubjectHash }) => ({ target: { subjectHash, previousSubjectHash, names } })),
      );
      const fresh = asked.filter((_, index) => read[index]!.personId === undefined);
      if (fresh.length === 0) return 0;
      const appended = await store.append(fresh.map(request));
      return appended.filter(({ outcome }) => outcome === 'appended').length;
    };
    const mover = moverTo(current!, old!);
    const subjects = Array.from({ length: 600 }, () => randomUUID());
    let made = 0;
    await move(mover, async () => {
      // A single one and a batch at a time, both sides at once.
      for (let from = 0; from < subjects.length; from += 6) {
        const [one, ...others] = subjects.slice(from, from + 6);
        const counts = await Promise.all(
          sides.flatMap((side) => [comeIn([one!], side), comeIn(others, side), comeIn([...others].reverse(), side)]),
        );
        made += counts.reduce((sum, count) => sum + count, 0);
      }
    });
    expect(made).toBe(600);
    expect((await rowsUnder(old!)) + (await rowsUnder(current!))).toBe(600);
    await move(moverTo(current!, old!));
    const afterwards = knownUnder(current!, old);
    expect(new Set(await Promise.all(subjects.map((subject) => afterwards.idOf(subject)))).size).toBe(600);
  }, 120_000);
});
