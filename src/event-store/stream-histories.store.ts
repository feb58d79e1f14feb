import { randomUUID } from 'node:crypto';
import type { Database, Queries } from '../platform';
import { eventColumns, type EventRow, storedColumns, storedEvent } from './event-row';
import type { Fact, Position, StoredEvent } from './stored-event';

/** What happened in single streams, wherever their events lie: in the log, or in its archive. Events are as they were recorded. */
export class StreamHistories {
  constructor(private readonly database: Database) {}

  /** One stream's history, oldest first. `afterVersion` 0 reads from the start. */
  async stream<F extends Fact>(
    streamId: string,
    afterVersion: number,
    limit: number,
    queries: Queries = this.database,
  ): Promise<StoredEvent<F>[]> {
    const inLog = () =>
      queries.query<EventRow>(
        'log.stream',
        `select ${eventColumns} from event e where e.stream_id = $1 and e.version > $2 order by e.version limit $3`,
        [streamId, afterVersion, limit],
      );
    const rows = await inLog();
    if (rows.length > 0) return rows.map((row) => storedEvent<F>(row));
    const archived = await queries.query<EventRow>(
      'log.stream-in-archive',
      `select ${eventColumns} from ${archivedStreams}
       where s.stream_id = $1 and e.version > $2 order by e.version limit $3`,
      [streamId, afterVersion, limit],
    );
    // Neither here nor there: it may have come back between the two looks.
    return (archived.length > 0 ? archived : await inLog()).map((row) => storedEvent<F>(row));
  }

  /** The whole history of some streams as far as a position: one stream after the other, each oldest first. */
  async streamsUntil(streamIds: readonly string[], until: Position, queries: Queries): Promise<StoredEvent[]> {
    const rows = await queries.query<EventRow>(
      'log.streams-until',
      `select ${eventColumns} from ${historiesOf('$1')} e
       where (e.epoch, e.xid, e.pos) <= ($2, $3::xid8, $4) order by e.stream_id, e.version`,
      [streamIds, until.epoch, until.xid, until.pos],
    );
    return rows.map((row) => storedEvent(row));
  }

  /** What had happened to some streams by a moment: one stream after the other, each oldest first. */
  async streamsAt<F extends Fact>(streamIds: readonly string[], at: Date): Promise<StoredEvent<F>[]> {
    const inLog = (ids: readonly string[]) =>
      this.database.query<EventRow>(
        'log.streams-at',
        `select ${eventColumns} from event e
         where e.stream_id = any ($1) and e.occurred_at <= $2 order by e.stream_id, e.version`,
        [ids, at],
      );
    const inArchive = (ids: readonly string[]) =>
      this.database.query<EventRow>(
        'log.streams-at-in-archive',
        `select ${eventColumns} from ${archivedStreams}
         where s.stream_id = any ($1) and e.occurred_at <= $2 order by e.stream_id, e.version`,
        [ids, at],
      );
    const rows: EventRow[] = [];
    // One after the other, for most streams live: in a large database each look at one of them is dear. The last time because one may
    // have come back between the two looks.
    for (const look of [inLog, inArchive, inLog]) {
      const found = new Set(rows.map(({ stream_id: id }) => id));
      const missing = streamIds.filter((id) => !found.has(id));
      if (missing.length === 0) break;
      rows.push(...(await look(missing)));
    }
    return rows.map((row) => storedEvent<F>(row));
  }

  /** Up to `limit` streams by chance; all of them when there are no more. Their ids lie evenly, for they come from a hash. */
  async sampleStreams(limit: number, queries: Queries): Promise<string[]> {
    const rows = await queries.query<{ stream_id: string }>(
      'log.sample-streams',
      `with few as materialized (select stream_id from stream limit $1 + 1)
       select stream_id from few where (select count(*) from few) <= $1
       union
       select near.stream_id from unnest($2::uuid[]) as pick (id) cross join lateral (
         select s.stream_id from stream s where s.stream_id >= pick.id order by s.stream_id limit 1) near
       where (select count(*) from few) > $1`,
      [limit, Array.from({ length: limit }, () => randomUUID())],
    );
    return rows.map((row) => row.stream_id);
  }
}

/** Events in the archive with their streams, which know in which month they lie. */
const archivedStreams = 'stream s join archived_event e on e.stream_end = s.archived_end and e.stream_id = s.stream_id';

/** All events of these streams, wherever they lie. */
const historiesOf = (streamIds: string) => `(
  select ${storedColumns} from event e where e.stream_id = any (${streamIds})
  union all
  select ${storedColumns} from ${archivedStreams}
  where s.stream_id = any (${streamIds}))`;
