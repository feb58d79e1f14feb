import type { Fact, StoredEvent, Trace } from './stored-event';

/** The columns of an event as every reader of the log takes them. */
export const eventColumns = `
  e.epoch, e.xid::text as xid, e.pos::text as pos, e.stream_id, e.version, e.event_id, e.type, e.data, e.metadata,
  e.occurred_at, e.recorded_at`;

/** The same before they are made texts, as the log and its archive both have them. */
export const storedColumns = `
  e.epoch, e.xid, e.pos, e.stream_id, e.version, e.event_id, e.type, e.data, e.metadata, e.occurred_at, e.recorded_at`;

export interface EventRow {
  epoch: number;
  xid: string;
  pos: string;
  stream_id: string;
  version: number;
  event_id: string;
  type: string;
  data: object;
  metadata: Trace;
  occurred_at: Date;
  recorded_at: Date;
}

/** Only the event's own columns: a row may hold more. */
export function storedEvent<F extends Fact>(row: EventRow): StoredEvent<F> {
  return {
    position: { epoch: row.epoch, xid: row.xid, pos: row.pos },
    stream_id: row.stream_id,
    version: row.version,
    event_id: row.event_id,
    type: row.type,
    data: row.data,
    metadata: row.metadata,
    occurred_at: row.occurred_at,
    recorded_at: row.recorded_at,
  } as unknown as StoredEvent<F>;
}
