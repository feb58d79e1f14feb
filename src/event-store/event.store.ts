import { randomUUID } from 'node:crypto';
import { type Database, type Queries, type Signal, sqlState } from '../platform';
import { ArchiveStore } from './archive.store';
import { knownByPreviousHash, lockPersons, type RotatingPerson } from './person-lock.store';
import { asRecorded, type Fact, type Trace, type Upcast } from './stored-event';
import { type ReadRequest, type ReadResult, StreamReadStore } from './stream-read.store';

export interface IdentityRow {
  subjectHash: Buffer;
  /** Under the other key, while PERSON_KEY is being rotated. */
  previousSubjectHash?: Buffer;
  personId: string;
  sealedSubject: Buffer;
  keyId: string;
}

export interface AppendRequest {
  streamId: string;
  /** The version decided upon; 0 means that the stream must not exist. */
  expectedVersion: number;
  facts: readonly Fact[];
  /** `YYYY-MM-DD` on which the stream asks for attention by itself, or null. */
  dueOn: string | null;
  /** As it was read: then it is moved back first. */
  isArchived?: boolean;
  /** The identity row to make with it, for a person not known yet. */
  person?: IdentityRow;
  command?: { key: string; fingerprint: Buffer; answer: Record<string, unknown> };
  trace: Trace;
  occurredAt: Date;
}

/** `conflict`: somebody was first (stream, command key, person or a later transaction); read and decide again. */
export type AppendResult = { outcome: 'appended'; position: string } | { outcome: 'conflict'; cause: string };

/** The write side of the log. It can read streams and append to them; nothing else. */
export class EventStore {
  private readonly archive: ArchiveStore;
  private readonly reading: StreamReadStore;

  constructor(
    private readonly database: Database,
    private readonly logName: string,
    private readonly appended: Signal,
    upcast: Upcast = asRecorded,
  ) {
    this.archive = new ArchiveStore(database, logName);
    this.reading = new StreamReadStore(database, this.archive, upcast);
  }

  /** The streams asked for, their events in their newest form, each with the answer already given under its command key. */
  read<F extends Fact>(requests: readonly ReadRequest[]): Promise<ReadResult<F>[]> {
    return this.reading.read<F>(requests);
  }

  /**
   * Appends, in one commit; each request by itself goes through whole or not at all. At most one request a stream, a person
   * and a command key.
   */
  async append(requests: readonly AppendRequest[]): Promise<AppendResult[]> {
    const archived = requests.filter(({ isArchived }) => isArchived).map(({ streamId }) => streamId);
    const results = await unlessConflict(requests, async () => {
      if (archived.length > 0) await this.archive.moveBack(archived);
      return this.appendInOneCommit(requests);
    });
    if (results.some(({ outcome }) => outcome === 'appended')) this.appended.raise();
    return results;
  }

  /** Appends to one stream and does `effect` in the same transaction: both, or neither. */
  async appendWith(request: AppendRequest, effect: (queries: Queries) => Promise<void>): Promise<AppendResult> {
    const [result] = await unlessConflict([request], () =>
      this.database.transaction(async (queries) => {
        const appended = await this.appendThrough(queries, request);
        await effect(queries);
        return [appended];
      }),
    );
    if (result!.outcome === 'appended') this.appended.raise();
    return result!;
  }

  /** Streams that ask for attention on `day` or before it, the longest waiting first. */
  async dueOn(day: string, limit: number): Promise<string[]> {
    const rows = await this.database.query<{ stream_id: string }>(
      'event-store.due-on',
      'select stream_id from stream where due_on <= $1 order by due_on, stream_id limit $2',
      [day, limit],
    );
    return rows.map((row) => row.stream_id);
  }

  private async appendInOneCommit(requests: readonly AppendRequest[]): Promise<AppendResult[]> {
    if (requests.some(({ person }) => person && isRotating(person))) return this.appendWhileRotating(requests);
    if (requests.length > 1) return this.appendMany(requests, this.database);
    return [await this.appendThrough(this.database, requests[0]!)];
  }

  /** While PERSON_KEY is being rotated a new person is looked for under both hashes, and made by one process at a time. */
  private appendWhileRotating(requests: readonly AppendRequest[]): Promise<AppendResult[]> {
    const persons = requests.flatMap(({ person }) => (person && isRotating(person) ? [person] : []));
    return this.database.transaction(async (queries) => {
      await lockPersons(queries, persons);
      const known: ReadonlySet<unknown> = await knownByPreviousHash(queries, persons);
      const others = requests.filter(({ person }) => !known.has(person));
      const appended = others.length > 0 ? await this.appendMany(others, queries) : [];
      return requests.map(({ person }) =>
        known.has(person) ? { outcome: 'conflict', cause: conflictCauses.MM004! } : appended.shift()!,
      );
    });
  }

  /** @throws the append function's error */
  private async appendThrough(queries: Queries, request: AppendRequest): Promise<AppendResult> {
    const { person, command, facts } = request;
    const rows = await queries.query<{ position: string | null }>('event-store.append', appendSql, [
      this.logName,
      person?.subjectHash ?? null,
      person?.personId ?? null,
      person?.sealedSubject ?? null,
      person?.keyId ?? null,
      request.streamId,
      request.expectedVersion,
      request.dueOn,
      command?.key ?? null,
      command?.fingerprint ?? null,
      command ? JSON.stringify(command.answer) : null,
      facts.map(() => randomUUID()),
      facts.map(({ type }) => type),
      facts.map(({ data }) => JSON.stringify(data)),
      JSON.stringify(request.trace),
      request.occurredAt,
    ]);
    return appendedAt(rows[0]!.position);
  }

  private async appendMany(requests: readonly AppendRequest[], queries: Queries): Promise<AppendResult[]> {
    const facts = requests.flatMap((request, index) => request.facts.map((fact) => ({ item: index + 1, ...fact })));
    const rows = await queries.query<{ failure: string | null; position: string | null }>(
      'event-store.append-batch',
      appendBatchSql,
      [
        this.logName,
        requests.map(({ person }) => person?.subjectHash ?? null),
        requests.map(({ person }) => person?.personId ?? null),
        requests.map(({ person }) => person?.sealedSubject ?? null),
        requests.map(({ person }) => person?.keyId ?? null),
        requests.map(({ streamId }) => streamId),
        requests.map(({ expectedVersion }) => expectedVersion),
        requests.map(({ dueOn }) => dueOn),
        requests.map(({ command }) => command?.key ?? null),
        requests.map(({ command }) => command?.fingerprint ?? null),
        requests.map(({ command }) => (command ? JSON.stringify(command.answer) : null)),
        requests.map(({ trace }) => JSON.stringify(trace)),
        requests.map(({ occurredAt }) => occurredAt),
        facts.map(({ item }) => item),
        facts.map(() => randomUUID()),
        facts.map(({ type }) => type),
        facts.map(({ data }) => JSON.stringify(data)),
      ],
    );
    return rows.map(({ failure, position }) =>
      failure === null ? appendedAt(position) : { outcome: 'conflict', cause: conflictCauses[failure] ?? failure },
    );
  }
}

function isRotating(person: IdentityRow): person is IdentityRow & RotatingPerson {
  return person.previousSubjectHash !== undefined;
}

/** Of a command that recorded nothing, there is no position when its stream has just gone to the archive. Read again, it is answered. */
function appendedAt(position: string | null): AppendResult {
  return position === null ? { outcome: 'conflict', cause: 'archived' } : { outcome: 'appended', position };
}

/** An error by which somebody was first is a conflict of all that went together: nothing of them is recorded. */
async function unlessConflict(
  requests: readonly AppendRequest[],
  append: () => Promise<AppendResult[]>,
): Promise<AppendResult[]> {
  try {
    return await append();
  } catch (error) {
    const cause = conflictCauses[sqlState(error) ?? ''];
    if (cause === undefined) throw error;
    return requests.map(() => ({ outcome: 'conflict', cause }));
  }
}

/** Error codes of the append functions (migrations) and of PostgreSQL that mean: somebody was first. */
const conflictCauses: Record<string, string> = {
  MM001: 'stream version',
  MM002: 'order guard',
  MM003: 'command key',
  MM004: 'person',
  '23505': 'unique key',
  '40001': 'serialization',
  '40P01': 'deadlock',
};

const appendSql = `select append_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) as position`;

const appendBatchSql = `
  select failure, position
  from append_events_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
  order by item`;
