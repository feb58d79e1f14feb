import { randomInt, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type AppendRequest,
  EventStore,
  type Fact,
  LogReader,
  positionText,
  streamIdOf,
  type StreamTarget,
} from '../../src/event-store';
import { startOfLog } from '../../src/event-store/stored-event';
import { Database, Signal } from '../../src/platform';
import { Connection } from '../support/connection';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';

const trace = { correlation_id: 'conversation', causation_id: 'request' };
const moment = new Date('2026-03-01T10:00:00.123Z');
const fact = (n = 1): Fact => ({ type: `fact.${n}`, data: { n } });

/** An append of one fact to a new stream; the test says what matters to it. */
function request(given: Partial<AppendRequest> = {}): AppendRequest {
  return {
    streamId: randomUUID(),
    expectedVersion: 0,
    facts: [fact()],
    dueOn: null,
    trace,
    occurredAt: moment,
    ...given,
  };
}

function person(subjectHash = Buffer.from(randomUUID())) {
  return { subjectHash, personId: randomUUID(), sealedSubject: Buffer.from('sealed'), keyId: 'key' };
}

function command(key = randomUUID(), answer: Record<string, unknown> = { said: 'yes' }) {
  return { key, fingerprint: Buffer.from('fingerprint'), answer };
}

const conflict = (cause: string) => ({ outcome: 'conflict', cause });
const appended = { outcome: 'appended', position: expect.any(String) };

describe('the event store', () => {
  let database: TestDatabase;
  let db: Database;
  let store: EventStore;
  const signal = new Signal();

  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
    store = new EventStore(db, 'main', signal);
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });

  /** Runs one request in the form asked for: a batch has a neighbour, which must always go through. */
  const append = async (form: string, one: AppendRequest) => {
    if (form === 'single') return (await store.append([one]))[0]!;
    const [result, neighbour] = await store.append([one, request()]);
    expect(neighbour).toEqual(appended);
    return result!;
  };
  const stream = async (streamId: string) => (await store.read([{ target: { streamId } }]))[0]!.events;
  const rowsLeft = async (of: AppendRequest) => {
    const [row] = await db.query<{ persons: number; commands: number; streams: number; events: number }>(
      'rows-left',
      `select (select count(*)::integer from person where person_id = $1) as persons,
              (select count(*)::integer from command where key = $2 and stream_id = $3) as commands,
              (select count(*)::integer from stream where stream_id = $3 and version > 0) as streams,
              (select count(*)::integer from event where stream_id = $3) as events`,
      [of.person?.personId ?? null, of.command?.key ?? null, of.streamId],
    );
    return row;
  };
  const noTrace = { persons: 0, commands: 0, streams: 0, events: 0 };

  describe.each(['single', 'batch'])('appending in the %s form', (form) => {
    it('gives back what was appended, as it was said', async () => {
      const one = request({ facts: [fact(1), fact(2)] });
      const result = await append(form, one);
      const events = await stream(one.streamId);
      expect(events).toEqual(
        one.facts.map(({ type, data }, index) => ({
          type,
          data,
          version: index + 1,
          stream_id: one.streamId,
          event_id: expect.any(String),
          metadata: trace,
          occurred_at: moment,
          recorded_at: expect.any(Date),
          position: expect.objectContaining({ epoch: 1 }),
        })),
      );
      expect(result).toEqual({ outcome: 'appended', position: positionText(events[1]!.position) });
    });

    it('refuses version 0 for a stream that exists', async () => {
      const first = request();
      await store.append([first]);
      expect(await append(form, request({ streamId: first.streamId }))).toEqual(conflict('stream version'));
      expect(await stream(first.streamId)).toHaveLength(1);
    });

    it.each([
      ['above the present one', 2],
      ['below the present one', 1],
    ])('refuses a version %s', async (_, expectedVersion) => {
      const first = request(expectedVersion === 2 ? {} : { facts: [fact(1), fact(2)] });
      await store.append([first]);
      expect(await append(form, request({ streamId: first.streamId, expectedVersion }))).toEqual(
        conflict('stream version'),
      );
    });

    it('refuses a version of a stream that does not exist', async () => {
      const one = request({ expectedVersion: 1 });
      expect(await append(form, one)).toEqual(conflict('stream version'));
      expect(await rowsLeft(one)).toEqual(noTrace);
    });

    it('refuses a command key that was used, and leaves no person behind', async () => {
      const used = command();
      await store.append([request({ command: used })]);
      const late = request({ person: person(), command: used });
      // A batch does not even make the person; then that is what it names.
      expect(await append(form, late)).toEqual(conflict(form === 'single' ? 'command key' : 'person'));
      expect(await rowsLeft(late)).toEqual(noTrace);
    });

    it('refuses a person somebody else has made meanwhile, and leaves no command behind', async () => {
      const subjectHash = Buffer.from(randomUUID());
      await store.append([request({ person: person(subjectHash) })]);
      const late = request({ person: person(subjectHash), command: command() });
      expect(await append(form, late)).toEqual(conflict('person'));
      expect(await rowsLeft(late)).toEqual(noTrace);
    });

    it('leaves no person behind when the stream is at another version', async () => {
      const late = request({ expectedVersion: 3, person: person(), command: command() });
      expect(await append(form, late)).toEqual(conflict('stream version'));
      expect(await rowsLeft(late)).toEqual(noTrace);
    });

    it('can be done again on a stream that a refused append was about to make', async () => {
      const used = command();
      await store.append([request({ command: used })]);
      const late = request({ command: used });
      await append(form, late);
      expect(await append(form, { ...late, command: command() })).toEqual(appended);
      expect(await stream(late.streamId)).toHaveLength(1);
    });

    it('stores the answer to a command that changed nothing, for the version it holds for', async () => {
      const first = request({ facts: [fact(1), fact(2)] });
      const [begun] = await store.append([first]);
      const again = command(randomUUID(), { version: 2 });
      const result = await append(
        form,
        request({ streamId: first.streamId, expectedVersion: 2, facts: [], command: again }),
      );
      expect(result).toEqual(begun);
      expect(await stream(first.streamId)).toHaveLength(2);
      const [read] = await store.read([{ target: { streamId: first.streamId }, commandKey: again.key }]);
      expect(read!.command).toMatchObject({
        answer: { version: 2 },
        position: (begun as { position: string }).position,
      });
    });

    it('refuses such an answer when the stream has moved on', async () => {
      const first = request({ facts: [fact(1), fact(2)] });
      await store.append([first]);
      const late = request({ streamId: first.streamId, expectedVersion: 1, facts: [], command: command() });
      expect(await append(form, late)).toEqual(conflict('stream version'));
      expect(await rowsLeft(late)).toMatchObject({ commands: 0, events: 2 });
    });

    it('keeps the day on which the stream asks for attention, and lets it be none', async () => {
      const first = request({ dueOn: '1999-05-01' });
      await append(form, first);
      const earlier = request({ dueOn: '1999-04-30' });
      await append(form, earlier);
      await append(form, request({ dueOn: '1999-05-02' }));
      expect(await store.dueOn('1999-05-01', 10)).toEqual([earlier.streamId, first.streamId]);
      expect(await store.dueOn('1999-05-01', 1)).toEqual([earlier.streamId]);
      for (const { streamId } of [first, earlier]) {
        await append(form, request({ streamId, expectedVersion: 1, dueOn: null }));
      }
      expect(await store.dueOn('1999-05-01', 10)).toEqual([]);
      await db.query('due-past', `update stream set due_on = null where due_on < '2000-01-01'`);
    });

    it('leaves the day alone when nothing changed', async () => {
      const first = request({ dueOn: '1998-05-01' });
      await store.append([first]);
      await append(form, request({ streamId: first.streamId, expectedVersion: 1, facts: [], command: command() }));
      expect(await store.dueOn('1998-05-01', 10)).toEqual([first.streamId]);
      await db.query('due-past', `update stream set due_on = null where due_on < '2000-01-01'`);
    });

    it('raises the signal when something was appended and stays silent at a conflict', async () => {
      const first = request();
      let raised = 0;
      const count = () => (raised += 1);
      signal.on(count);
      await store.append([first]);
      await store.append([request({ streamId: first.streamId })]);
      signal.off(count);
      expect(raised).toBe(1);
    });
  });

  it('makes a person once, whoever of many is first, and tells all others to read again', async () => {
    const subjectHash = Buffer.from(randomUUID());
    const requests = Array.from({ length: 30 }, () => request({ person: person(subjectHash) }));
    const results = await Promise.all(
      requests.map((one, index) => store.append(index % 2 === 0 ? [one] : [one, request()])),
    );
    const outcomes = results.map(([result]) => (result!.outcome === 'conflict' ? result!.cause : 'appended'));
    expect(outcomes.filter((outcome) => outcome === 'appended')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'person')).toHaveLength(29);
    const [read] = await store.read([{ target: { subjectHash, names: ['a', 'b', 'c'] } }]);
    expect(read!.personId).toBe(requests[outcomes.indexOf('appended')]!.person!.personId);
  });

  it('lets one of many appends to a stream through', async () => {
    const streamId = randomUUID();
    const results = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        store.append(index % 2 === 0 ? [request({ streamId })] : [request({ streamId }), request()]),
      ),
    );
    expect(results.filter(([result]) => result!.outcome === 'appended')).toHaveLength(1);
    expect(await stream(streamId)).toHaveLength(1);
  });

  it('answers a batch in the order in which it was asked, each request by itself', async () => {
    const present = request();
    const used = command();
    const known = person();
    await store.append([present, request({ command: used }), request({ person: known })]);
    const asked = [
      request(),
      request({ streamId: present.streamId }),
      request({ command: used, person: person() }),
      request({ person: person(known.subjectHash), command: command() }),
      request({ command: used }),
      request({ person: person(), command: command(), facts: [fact(1), fact(2), fact(3)] }),
      request({ streamId: present.streamId.replace(/^./, (digit) => (digit === '0' ? '1' : '0')), expectedVersion: 4 }),
    ];
    expect(await store.append(asked)).toEqual([
      appended,
      conflict('stream version'),
      conflict('person'),
      conflict('person'),
      conflict('command key'),
      appended,
      conflict('stream version'),
    ]);
    for (const failed of [asked[2]!, asked[3]!, asked[4]!, asked[6]!]) expect(await rowsLeft(failed)).toEqual(noTrace);
    expect(await rowsLeft(asked[5]!)).toEqual({ persons: 1, commands: 1, streams: 1, events: 3 });
  });

  it('tells a batch that somebody began its stream while it was looking, and leaves nothing of it', async () => {
    const other = await Connection.open(database.url);
    try {
      const first = request();
      await other.begin();
      expect(await other.eventStore().append([first])).toEqual([appended]);
      // Neither sees the row of the other: the batch comes to it when everything else has been written.
      const late = request({ streamId: first.streamId, person: person(), command: command() });
      const answers = store.append([late, request()]);
      await eventually(async () => {
        const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
        expect(await other.ask(waiting)).toHaveLength(1);
      });
      await other.commit();
      expect(await answers).toEqual([conflict('stream version'), appended]);
      expect(await rowsLeft(late)).toEqual({ persons: 0, commands: 0, streams: 1, events: 1 });
    } finally {
      await other.close();
    }
  });

  it('answers with the positions at which the log has the events, which sort as text like the log', async () => {
    const following = new LogReader(db, 'main');
    const requests = Array.from({ length: 20 }, (_, index) => request({ facts: [fact(index), fact(index + 100)] }));
    const results = [...(await store.append(requests.slice(0, 19))), ...(await store.append(requests.slice(19)))];
    await eventually(async () => {
      const log = await following.page(startOfLog, 100_000);
      const positions = log.map(({ position }) => positionText(position));
      expect(positions).toEqual([...positions].sort());
      requests.forEach(({ streamId }, index) => {
        const last = log.filter((event) => event.stream_id === streamId).at(-1)!;
        expect({ version: last.version, position: positionText(last.position) }).toEqual({
          version: 2,
          position: (results[index] as { position: string }).position,
        });
      });
    });
  });

  it('counts what was recorded after a place, one by one or by the numbers when there is much', async () => {
    const reader = new LogReader(db, 'main');
    // A transaction elsewhere in the cluster may hold back what was written before.
    const end = await eventually(async () => {
      const place = (await reader.recordedAfter(undefined, 1)).end;
      const beyond = `select from event where (epoch, xid, pos) > ($1, $2::xid8, $3) limit 1`;
      expect(await db.query('beyond', beyond, [place.epoch, place.xid, place.pos])).toEqual([]);
      return place;
    });
    const streamId = randomUUID();
    await store.append([request({ streamId, facts: [fact(1), fact(2)] })]);
    await store.append([request({ streamId, expectedVersion: 2 })]);
    await store.append([request(), request({ facts: [fact(1), fact(2), fact(3)] })]);
    const all = await eventually(async () => {
      const counted = await reader.recordedAfter(end, 100);
      expect(counted).toMatchObject({ events: 7, commands: 4 });
      return counted;
    });
    expect(await reader.recordedAfter(all.end, 100)).toEqual({ events: 0, commands: 0, end: all.end });
    // Of the first three events, two commands.
    const many = await reader.recordedAfter(end, 3);
    expect(many).toEqual({ events: 7, commands: 5, end: all.end });
  });

  it('reads many streams at once, in the order asked for, with what it was asked about each', async () => {
    const known = person();
    const names: [string, string, string] = ['client', 'provider', 'service'];
    const done = command();
    const persons = request({ streamId: streamIdOf(known.personId, ...names), person: known, command: done });
    const other = request({ facts: [fact(1), fact(2), fact(3)] });
    await store.append([persons, other]);
    const nobody: StreamTarget = { subjectHash: Buffer.from(randomUUID()), names };
    const results = await store.read([
      { target: nobody, commandKey: 'never used' },
      { target: { streamId: other.streamId } },
      { target: { subjectHash: known.subjectHash, names }, commandKey: done.key },
      { target: { subjectHash: known.subjectHash, names: ['client', 'provider', 'other service'] } },
      { target: { streamId: other.streamId }, commandKey: done.key },
    ]);
    expect(results.map(({ personId, command: stored, events }) => [personId, stored?.answer, events.length])).toEqual([
      [undefined, undefined, 0],
      [undefined, undefined, 3],
      [known.personId, done.answer, 1],
      [known.personId, undefined, 0],
      [undefined, done.answer, 3],
    ]);
    expect(results[1]!.events.map(({ version }) => version)).toEqual([1, 2, 3]);
  });

  it('finds the person by the hash of today, else by the previous one', async () => {
    const names: [string, string, string] = ['client', 'provider', 'service'];
    const [old, current] = [person(), person()];
    await store.append([request({ person: old }), request({ person: current })]);
    const find = async (subjectHash: Buffer, previousSubjectHash?: Buffer) =>
      (await store.read([{ target: { subjectHash, previousSubjectHash, names } }]))[0]!.personId;
    const unknown = Buffer.from(randomUUID());
    expect(await find(unknown, old.subjectHash)).toBe(old.personId);
    expect(await find(current.subjectHash, old.subjectHash)).toBe(current.personId);
    expect(await find(old.subjectHash, current.subjectHash)).toBe(old.personId);
    expect(await find(unknown)).toBeUndefined();
  });

  it('gives the stored answer at each read, with the position that it holds for', async () => {
    const done = command(randomUUID(), { version: 1, text: 'é \u{1F600}' });
    const first = request({ command: done });
    const [result] = await store.append([first]);
    await store.append([request({ streamId: first.streamId, expectedVersion: 1 })]);
    const reads = [
      ...(await store.read([{ target: { streamId: first.streamId }, commandKey: done.key }])),
      ...(await store.read([{ target: { streamId: randomUUID() }, commandKey: done.key }])),
    ];
    for (const { command: stored } of reads) {
      expect(stored).toEqual({ ...result, outcome: undefined, answer: done.answer, fingerprint: done.fingerprint });
    }
  });

  interface Shape {
    events: number;
    further: number;
    hasPerson: boolean;
    hasCommand: boolean;
    dueOn: string | null;
    text: string;
    expectedVersion: number;
  }
  it('writes the same rows in the single form and in the batch form', async () => {
    const seed = randomInt(2 ** 31);
    const shape = fc.record({
      events: fc.integer({ min: 0, max: 4 }),
      further: fc.integer({ min: 0, max: 3 }),
      hasPerson: fc.boolean(),
      hasCommand: fc.boolean(),
      dueOn: fc.option(fc.constantFrom('2026-03-29', '2027-01-01')),
      text: fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\u0000')),
      expectedVersion: fc.constantFrom(0, 0, 0, 1, 2),
    });
    /** All that the two forms wrote, without what is random in it. */
    const written = async ({ streamId, person: made, command: done }: AppendRequest) =>
      db.query(
        'written',
        `select (select jsonb_build_array(version, due_on) from stream where stream_id = $1 and version > 0) as stream,
                (select jsonb_agg(jsonb_build_array(version, type, data, metadata, occurred_at, epoch) order by version)
                   from event where stream_id = $1) as events,
                (select jsonb_build_array(sealed_subject, key_id) from person where person_id = $2) as person,
                (select jsonb_build_array(fingerprint, answer, version) from command where key = $3) as command`,
        [streamId, made?.personId ?? null, done?.key ?? null],
      );
    const run = async (form: string, shapes: readonly Shape[]) => {
      const requests = shapes.map(({ events, further, hasPerson, hasCommand, dueOn, text, ...rest }) => {
        const facts = (count: number) =>
          Array.from({ length: count }, (_, n) => ({ type: `${text}.${n}`, data: { text, n } }));
        const first = request({
          ...rest,
          facts: facts(events),
          dueOn,
          person: hasPerson ? person() : undefined,
          command: hasCommand ? command(randomUUID(), { text }) : undefined,
        });
        const next = request({ streamId: first.streamId, expectedVersion: events, facts: facts(further), dueOn });
        return { first, next };
      });
      const outcomes: unknown[] = [];
      for (const turn of ['first', 'next'] as const) {
        const all = requests.map((both) => both[turn]);
        const results =
          form === 'batch'
            ? await store.append(all)
            : (await Promise.all(all.map((one) => store.append([one])))).flat();
        outcomes.push(results.map((result) => (result.outcome === 'conflict' ? result.cause : result.outcome)));
      }
      return { outcomes, rows: await Promise.all(requests.map(({ first }) => written(first))) };
    };
    await fc.assert(
      fc.asyncProperty(fc.array(shape, { minLength: 2, maxLength: 12 }), async (shapes) => {
        const [single, batch] = [await run('single', shapes), await run('batch', shapes)];
        expect(batch).toEqual(single);
      }),
      { seed, numRuns: 25 },
    );
  });

  it('names a stream as the database does, whatever the person and the names', async () => {
    const seed = randomInt(2 ** 31);
    const names = fc.array(fc.string({ unit: 'binary' }).filter(fitsPostgres), { minLength: 1, maxLength: 4 });
    const cases = fc.sample(fc.tuple(fc.uuid(), names), { seed, numRuns: 300 });
    const rows = await Promise.all(
      cases.map(([personId, given]) =>
        db.query<{ id: string }>('stream-id-of', 'select stream_id_of($1, variadic $2::text[]) as id', [
          personId,
          given,
        ]),
      ),
    );
    cases.forEach(([personId, given], index) => {
      expect({ seed, personId, given, id: rows[index]![0]!.id }).toEqual({
        seed,
        personId,
        given,
        id: streamIdOf(personId, ...given),
      });
    });
    expect(streamIdOf(cases[0]![0], 'a')).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  it('writes a position as the database does, and sorts by it as the log is sorted', async () => {
    const seed = randomInt(2 ** 31);
    const large = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
    const places = fc.tuple(fc.integer({ min: 0, max: 2 ** 31 - 1 }), large, large);
    const cases = fc.sample(places, { seed, numRuns: 300 });
    const rows = await db.query<{ text: string }>(
      'log-positions',
      `select log_position(epoch, xid::xid8, pos) as text
       from unnest($1::integer[], $2::text[], $3::bigint[]) with ordinality as p (epoch, xid, pos, n) order by epoch, xid::xid8, pos`,
      [cases.map(([epoch]) => epoch), cases.map(([, xid]) => String(xid)), cases.map(([, , pos]) => String(pos))],
    );
    const texts = cases.map(([epoch, xid, pos]) => positionText({ epoch, xid: String(xid), pos: String(pos) }));
    expect({ seed, texts: [...texts].sort() }).toEqual({ seed, texts: rows.map(({ text }) => text) });
  });

  describe('after a restore into a cluster whose transaction ids restart lower', () => {
    it('sorts what is appended under the raised epoch after all there was, and reads on', async () => {
      const connection = await Connection.open(database.url);
      const following = new LogReader(db, 'main');
      const old = request();
      await store.append([old]);
      expect(await following.isAheadOfCluster()).toBe(false);
      // As in the restored cluster: what is there has higher transaction ids than will be given out for a long time.
      await connection.ask(`update event set xid = (xid::text::numeric + 1000000000000)::text::xid8`);
      await connection.ask(`update stream set last_xid = (last_xid::text::numeric + 1000000000000)::text::xid8`);
      expect(await store.append([request({ streamId: old.streamId, expectedVersion: 1 })])).toEqual([
        conflict('order guard'),
      ]);
      expect(await following.isAheadOfCluster()).toBe(true);
      await connection.ask(`update log set epoch = epoch + 1 where name = 'main'`);
      await connection.close();

      const next = request({ streamId: old.streamId, expectedVersion: 1 });
      const [single] = await store.append([next]);
      const [batched] = await store.append([request({ streamId: old.streamId, expectedVersion: 2 }), request()]);
      expect([single, batched]).toEqual([appended, appended]);
      expect(await following.isAheadOfCluster()).toBe(false);
      await eventually(async () => {
        const log = await following.page(startOfLog, 100_000);
        const versions = log.filter((event) => event.stream_id === old.streamId).map(({ version }) => version);
        expect(versions).toEqual([1, 2, 3]);
        const positions = log.map(({ position }) => positionText(position));
        expect(positions).toEqual([...positions].sort());
        expect(positions.slice(-3, -2)).toEqual([(single as { position: string }).position]);
      });
    });
  });
});

/** PostgreSQL takes no NUL in a text, and a lone surrogate is no character. */
function fitsPostgres(text: string): boolean {
  return !text.includes('\u0000') && !/\p{Surrogate}/u.test(text);
}
