/** What is asked for; with neither id, what operators did and what was destroyed. */
export interface TracedIds {
  request_id?: string;
  correlation_id?: string;
}

/** A line as operators see it, whichever table it stands in. */
export interface AuditView {
  /** Orders the lines of one moment within their source, by its bytes. */
  id: string;
  /** Microseconds since 1970. */
  place: string;
  at: Date;
  /** Null where the step itself says it, as in the reason of an event. */
  who: string | null;
  what: string;
  outcome: string;
  request_id: string | null;
  correlation_id: string | null;
  subscription_id: string | null;
  client_id: string | null;
  reason_text: string | null;
  details: Record<string, unknown> | null;
}

/** Where a source goes on: before this place, and of that moment before this id. */
export interface SourcePlace {
  place: string;
  id: string;
}

/** Rows that can be read as audit lines where they are, so that nothing is written twice. */
export interface AuditSource {
  /** Newest first, `limit` of them before `before`. */
  lines(ids: TracedIds, before: SourcePlace | undefined, limit: number): Promise<AuditView[]>;
}

/**
 * The end of a statement that asks a source for a page: `at` is an expression for a moment, `id` one for the text that orders the
 * lines of one moment. Without any condition of its own a source asks for everything it has.
 */
export function pageOfLines(
  conditions: readonly string[],
  { at, id }: { at: string; id: string },
  before: SourcePlace | undefined,
  limit: number,
  value: (content: unknown) => string,
): string {
  const all = [...conditions];
  if (before) {
    const moment = `(timestamptz 'epoch' + ${value(before.place)}::bigint * interval '1 microsecond')`;
    // The first of the two is one that an index by moments can follow.
    all.push(`${at} <= ${moment}`, `(${at}, ${id} collate "C") < (${moment}, ${value(before.id)})`);
  }
  return `${all.length > 0 ? `where ${all.join(' and ')}` : ''} order by ${at} desc, ${id} collate "C" desc limit ${value(limit)}`;
}

/** The columns that say where a line stands. */
export function placeColumns({ at, id }: { at: string; id: string }): string {
  return `${id} as id, ${at} as at, (extract(epoch from ${at}) * 1000000)::bigint::text as place`;
}
