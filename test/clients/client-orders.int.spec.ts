import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ResumeClientOrder, SuspendClientOrder, SuspendedClients } from '../../src/clients';
import { ClientOrderBook, clientStreamOf } from '../../src/clients/client-order-book';
import { SuspendedClientStore } from '../../src/clients/suspended-client.store';
import { EventStore, positionText } from '../../src/event-store';
import { createLogger, Database, type Queries, Signal } from '../../src/platform';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';

/** What one process of the service has of clients. */
interface ClientProcess {
  book: ClientOrderBook;
  suspended: SuspendedClients;
  changed: Signal;
}

describe('orders about clients', () => {
  let database: TestDatabase;
  let db: Database;
  const started: SuspendedClients[] = [];
  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((each) => each.stop()));
    await db.query('empty', 'truncate event, stream, suspended_client');
  });

  const log = createLogger('silent');
  async function process(store = new SuspendedClientStore(db), isStarted = true): Promise<ClientProcess> {
    const changed = new Signal();
    const suspended = new SuspendedClients(store, changed, log);
    if (isStarted) {
      await suspended.start();
      started.push(suspended);
    }
    return {
      book: new ClientOrderBook(new EventStore(db, 'main', new Signal()), store, suspended),
      suspended,
      changed,
    };
  }
  const trace = { correlation_id: 'conversation', causation_id: 'request' };
  const now = new Date('2026-03-01T11:00:00Z');
  const clientId = 'app.example';
  const suspend = (reason: ConstructorParameters<typeof SuspendClientOrder>[1] = 'operator', at = now, id = clientId) =>
    new SuspendClientOrder(id, reason, trace, at);
  const resume = (reason: ConstructorParameters<typeof ResumeClientOrder>[1] = 'operator') =>
    new ResumeClientOrder(clientId, reason, trace, now);
  const rows = () => db.query('rows', 'select client_id, suspended_at, reason from suspended_client');
  const events = () =>
    db.query<{ type: string; version: number; stream_id: string; data: object; xid: string }>(
      'events',
      'select type, version, stream_id, data, xid::text from event order by version',
    );

  it('record an event and the row that says the same, and know it at once', async () => {
    const { book, suspended } = await process();
    const result = await book.carryOut(suspend('endpoint_identity'));
    expect(result).toMatchObject({ recorded: true, isSuspended: true, position: expect.any(String) });
    expect(suspended.has(clientId)).toBe(true);
    expect(suspended.has('other.example')).toBe(false);
    expect(await rows()).toEqual([{ client_id: clientId, suspended_at: now, reason: 'endpoint_identity' }]);
    expect(await events()).toMatchObject([
      {
        type: 'nl.medmij.client.suspended.v1',
        version: 1,
        stream_id: clientStreamOf(clientId),
        data: { client_id: clientId, reason: 'endpoint_identity' },
      },
    ]);

    expect(await book.carryOut(resume())).toMatchObject({ recorded: true, isSuspended: false });
    expect(suspended.has(clientId)).toBe(false);
    expect(await rows()).toEqual([]);
    expect((await events()).map(({ type }) => type.split('.')[3])).toEqual(['suspended', 'resumed']);
  });

  it('that change nothing record nothing, and answer with the position of what was recorded last', async () => {
    const { book } = await process();
    expect(await book.carryOut(resume())).toEqual({ recorded: false, isSuspended: false, position: undefined });
    const { position } = await book.carryOut(suspend());
    expect(await book.carryOut(suspend())).toEqual({ recorded: false, isSuspended: true, position });
    const [event] = await new EventStore(db, 'main', new Signal()).read([
      { target: { streamId: clientStreamOf(clientId) } },
    ]);
    expect(event!.events.map((each) => positionText(each.position))).toEqual([position]);
  });

  it('keep the day since when, though the reason becomes a firmer one', async () => {
    const { book } = await process();
    await book.carryOut(suspend('client_delisted'));
    await book.carryOut(suspend('operator', new Date('2026-04-01T11:00:00Z')));
    expect(await rows()).toEqual([{ client_id: clientId, suspended_at: now, reason: 'operator' }]);
    expect(await book.carryOut(resume('client_listed'))).toMatchObject({ recorded: false, isSuspended: true });
  });

  it('record both or neither', async () => {
    class FailingStore extends SuspendedClientStore {
      override put(): Promise<void> {
        return Promise.reject(new Error('the row cannot be written'));
      }
    }
    const { book, suspended } = await process(new FailingStore(db));
    await expect(book.carryOut(suspend())).rejects.toThrow('the row cannot be written');
    expect(await events()).toEqual([]);
    expect(suspended.has(clientId)).toBe(false);
  });

  it('of many at once record one event, and row and stream agree whoever was last', async () => {
    const { book } = await process();
    const all = await Promise.all(Array.from({ length: 8 }, () => book.carryOut(suspend())));
    expect(all.filter(({ recorded }) => recorded)).toHaveLength(1);
    expect(await events()).toHaveLength(1);
    await Promise.all([
      book.carryOut(resume()),
      book.carryOut(suspend()),
      book.carryOut(resume()),
      book.carryOut(suspend()),
    ]);
    const last = (await events()).at(-1)!;
    expect(await rows()).toHaveLength(last.type.includes('suspended') ? 1 : 0);
  });

  it('are known to another process when it hears of them, and without that within a second or two', async () => {
    const [one, other] = [await process(), await process()];
    await one.book.carryOut(suspend());
    other.changed.raiseHere();
    await eventually(() => expect(other.suspended.has(clientId)).toBe(true), 500);
    await one.book.carryOut(resume());
    await eventually(() => expect(other.suspended.has(clientId)).toBe(false), 5_000);
  });

  it('are known to a process from its start', async () => {
    await (await process()).book.carryOut(suspend());
    expect((await process()).suspended.find(clientId)).toEqual({
      client_id: clientId,
      suspended_at: now,
      reason: 'operator',
    });
  });

  it('are not forgotten for a look that began earlier and answers later', async () => {
    let answerFirst: (() => void) | undefined;
    class SlowFirstLook extends SuspendedClientStore {
      private looks = 0;
      override async all() {
        this.looks += 1;
        const seen = await super.all();
        if (this.looks === 1) await new Promise<void>((resolve) => (answerFirst = resolve));
        return seen;
      }
    }
    const { book, suspended } = await process(new SlowFirstLook(db), false);
    const early = suspended.noteChange();
    await eventually(() => expect(answerFirst).toBeDefined());
    await book.carryOut(suspend());
    answerFirst!();
    await early;
    expect(suspended.has(clientId)).toBe(true);
  });
});

describe('an append with something beside it', () => {
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

  it('leaves nothing beside it when somebody else was first', async () => {
    const store = new EventStore(db, 'main', new Signal());
    const streamId = randomUUID();
    const request = {
      streamId,
      expectedVersion: 0,
      facts: [{ type: 'nl.medmij.client.suspended.v1', data: {} }],
      dueOn: null,
      trace: { correlation_id: 'c', causation_id: 'c' },
      occurredAt: new Date('2026-03-01T11:00:00Z'),
    };
    const note = (id: string) => async (queries: Queries) => {
      await new SuspendedClientStore(db).put(
        { client_id: id, reason: 'operator', suspended_at: request.occurredAt },
        queries,
      );
    };
    expect(await store.appendWith(request, note('first'))).toMatchObject({ outcome: 'appended' });
    expect(await store.appendWith(request, note('second'))).toEqual({ outcome: 'conflict', cause: 'stream version' });
    expect((await new SuspendedClientStore(db).all()).map(({ client_id }) => client_id)).toEqual(['first']);
  });
});
