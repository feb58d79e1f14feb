import type { Database, Queries } from '../platform';
import { positionText, type StoredEvent } from './stored-event';

/** A stream that a reader skips, from the event on that it could not apply, until it is replayed. */
export interface ParkedStream {
  id: string;
  reader: string;
  stream_id: string;
  /** Version and position of the first event that was not applied. */
  version: number;
  position: string;
  error: string;
  /** Times that the reader has tried that event. */
  tries: number;
  parked_at: Date;
  /** When an operator asked for the replay that is still to come. */
  replay_asked_at: Date | null;
  /** The data of that event; null when it is gone. */
  data: Record<string, unknown> | null;
}

/** The event that a reader stumbled over, and why. */
export interface Stumble {
  event: StoredEvent;
  error: string;
}

/** Which reader of the log has parked which streams. Only the holder of a reader's lease parks and unparks. */
export class ParkedStreamStore {
  constructor(
    private readonly database: Database,
    private readonly logName: string,
  ) {}

  /** The parked streams of a reader, each with the version from which on it is skipped. */
  async of(reader: string, queries: Queries = this.database): Promise<Map<string, number>> {
    const rows = await queries.query<{ stream_id: string; version: number }>(
      'parked.of',
      'select stream_id, version from parked_stream where log = $1 and reader = $2',
      [this.logName, reader],
    );
    return new Map(rows.map(({ stream_id: streamId, version }) => [streamId, version]));
  }

  async park(reader: string, stumbles: readonly Stumble[], queries: Queries): Promise<void> {
    await queries.query(
      'parked.park',
      `insert into parked_stream (log, reader, stream_id, version, position, error)
       select $1, $2, * from unnest($3::uuid[], $4::integer[], $5::text[], $6::text[])`,
      [
        this.logName,
        reader,
        stumbles.map(({ event }) => event.stream_id),
        stumbles.map(({ event }) => event.version),
        stumbles.map(({ event }) => positionText(event.position)),
        stumbles.map(({ error }) => error),
      ],
    );
  }

  async unpark(id: string, queries: Queries): Promise<void> {
    await queries.query('parked.unpark', 'delete from parked_stream where id = $1', [id]);
  }

  /** A reader that starts again from the beginning of the log stumbles anew. */
  async forget(reader: string, queries: Queries): Promise<void> {
    await queries.query('parked.forget', 'delete from parked_stream where log = $1 and reader = $2', [
      this.logName,
      reader,
    ]);
  }

  /** Streams that a reader is asked to try again, the longest waiting first. */
  async toReplay(reader: string, limit: number): Promise<Pick<ParkedStream, 'id' | 'stream_id' | 'version'>[]> {
    return this.database.query(
      'parked.to-replay',
      `select id, stream_id, version from parked_stream
       where log = $1 and reader = $2 and replay_asked_at is not null order by replay_asked_at limit $3`,
      [this.logName, reader, limit],
    );
  }

  /** A replay stumbled again: the stream stays parked. */
  async stumbledAgain(id: string, error: string): Promise<void> {
    await this.database.query(
      'parked.stumbled-again',
      `update parked_stream set error = $2, tries = tries + 1, tried_at = clock_timestamp(), replay_asked_at = null where id = $1`,
      [id, error],
    );
  }

  /** Asks the holder of the reader's lease to try the stream again. Undefined when nothing is parked under that id. */
  async askReplay(id: string): Promise<ParkedStream | undefined> {
    const asked = await this.database.query(
      'parked.ask-replay',
      `update parked_stream set replay_asked_at = coalesce(replay_asked_at, clock_timestamp()) where log = $1 and id = $2 returning 1`,
      [this.logName, id],
    );
    if (asked.length === 0) return undefined;
    const [row] = await this.database.query<ParkedStream>(
      'parked.find',
      `${selectSql} where p.log = $1 and p.id = $2`,
      [this.logName, id],
    );
    return row;
  }

  /** Newest first, `limit` rows after `after`. */
  async list(
    after: { parkedAt: string; id: string } | undefined,
    limit: number,
  ): Promise<(ParkedStream & { place: string })[]> {
    return this.database.query<ParkedStream & { place: string }>(
      'parked.list',
      `${selectSql}
       where p.log = $1 and ($2::timestamptz is null or (p.parked_at, p.id) < ($2::timestamptz, $3::uuid))
       order by p.parked_at desc, p.id desc limit $4`,
      [this.logName, after?.parkedAt ?? null, after?.id ?? null, limit],
    );
  }

  /**
   * The data of the last event of each parked stream that is in the log's own table, which every stream is that still runs: a reader's
   * view does not show how such a stream stands.
   */
  async lastEvents(queries: Queries = this.database): Promise<Record<string, unknown>[]> {
    const rows = await queries.query<{ data: Record<string, unknown> }>(
      'parked.last-events',
      `select e.data from (select distinct stream_id from parked_stream where log = $1) p
       join stream s on s.stream_id = p.stream_id
       join event e on e.stream_id = s.stream_id and e.version = s.version`,
      [this.logName],
    );
    return rows.map(({ data }) => data);
  }

  /** How many streams each reader has parked; a reader without any is not named. */
  async counts(): Promise<Map<string, number>> {
    const rows = await this.database.query<{ reader: string; count: number }>(
      'parked.counts',
      'select reader, count(*)::integer as count from parked_stream where log = $1 group by reader',
      [this.logName],
    );
    return new Map(rows.map(({ reader, count }) => [reader, count]));
  }
}

const selectSql = `
  select p.id, p.reader, p.stream_id, p.version, p.position, p.error, p.tries, p.parked_at, p.replay_asked_at,
         coalesce(e.data, a.data) as data, p.parked_at::text as place
  from parked_stream p left join event e on e.stream_id = p.stream_id and e.version = p.version
  left join stream s on s.stream_id = p.stream_id
  left join archived_event a on a.stream_end = s.archived_end and a.stream_id = p.stream_id and a.version = p.version`;
