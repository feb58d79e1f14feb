/** Ids that tie an event to the request that caused it (contract.md 5: extension attributes). */
export interface Trace {
  /** `X-Correlation-ID`: the whole conversation. */
  correlation_id: string;
  /** `MedMij-Request-ID`, or the id of the event or delivery that caused this one. */
  causation_id: string;
  /** W3C trace context, when the request carried one. */
  traceparent?: string;
}

/** A fact as it is decided: full CloudEvents type and the data as they go out on Kafka. */
export interface Fact {
  type: string;
  data: object;
}

/** What the log adds to a fact. */
export interface Recorded {
  position: Position;
  stream_id: string;
  /** 1 for the first event of its stream. */
  version: number;
  event_id: string;
  metadata: Trace;
  occurred_at: Date;
  recorded_at: Date;
}

/** A fact as the log holds it. */
export type StoredEvent<F extends Fact = Fact> = F & Recorded;

/** From a fact as it was recorded to the newest form of it; the same object when it is in that form. May throw. */
export type Upcast = (fact: Fact) => Fact;

/** For a log whose facts have one form only. */
export const asRecorded: Upcast = (fact) => fact;

/** An event whose fact is in its newest form, for everybody who acts on it. What is published stays as it was recorded. */
export function inNewestForm<F extends Fact>(event: StoredEvent, upcast: Upcast): StoredEvent<F> {
  const { type, data } = upcast(event);
  return (type === event.type && data === event.data ? event : { ...event, type, data }) as unknown as StoredEvent<F>;
}

/** A place in the log's order: `(epoch, xid, pos)`. The two large numbers stay text. */
export interface Position {
  epoch: number;
  xid: string;
  pos: string;
}

export const startOfLog: Position = { epoch: 0, xid: '0', pos: '0' };

/** The position as callers see it: opaque, fixed width, later ones sort higher as text (contract.md 4). */
export function positionText({ epoch, xid, pos }: Position): string {
  const hex = (value: bigint | number, width: number) => value.toString(16).padStart(width, '0');
  return `${hex(epoch, 8)}-${hex(BigInt(xid), 16)}-${hex(BigInt(pos), 16)}`;
}

/** Whether a text has the form of a position; says nothing about whether the log ever had it. */
export function isPositionText(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{16}-[0-9a-f]{16}$/.test(text);
}
