import type { Trace } from '../event-store';
import type { Database, Queries } from '../platform';

/** Who is to be erased, and by which request. */
export interface ErasureOrder {
  personId: string;
  trace: Trace;
}

/** Orders to erase persons: those not carried out yet, and those of the last day. Nothing in them says who a person was. */
export class ErasureStore {
  constructor(private readonly database: Database) {}

  /** Given again, it is the same order. */
  async add({ personId, trace }: ErasureOrder, now: Date): Promise<void> {
    await this.database.query(
      'erasure.add',
      `insert into erasure (person_id, ordered_at, correlation_id, causation_id) values ($1, $2, $3, $4)
       on conflict (person_id) do update set erased_at = null`,
      [personId, now, trace.correlation_id, trace.causation_id],
    );
  }

  /** In the transaction that deletes the identity. */
  async close(personId: string, now: Date, queries: Queries): Promise<void> {
    await queries.query('erasure.close', 'update erasure set erased_at = $2 where person_id = $1', [personId, now]);
  }

  /** Ordered before a moment and not carried out: whoever began them did not come to the end. */
  async unfinished(orderedBefore: Date, limit: number): Promise<ErasureOrder[]> {
    const rows = await this.database.query<ErasureRow>(
      'erasure.unfinished',
      `select person_id, correlation_id, causation_id from erasure
       where erased_at is null and ordered_at <= $1 order by ordered_at limit $2`,
      [orderedBefore, limit],
    );
    return rows.map(orderOf);
  }

  /** Carried out, by their ids, `limit` after `after`. */
  async finished(after: string, limit: number): Promise<ErasureOrder[]> {
    const rows = await this.database.query<ErasureRow>(
      'erasure.finished',
      `select person_id, correlation_id, causation_id from erasure
       where erased_at is not null and person_id > $1 order by person_id limit $2`,
      [after, limit],
    );
    return rows.map(orderOf);
  }

  /** Forgets the orders that were carried out before a moment. */
  async forget(erasedBefore: Date): Promise<void> {
    await this.database.query('erasure.forget', 'delete from erasure where erased_at <= $1', [erasedBefore]);
  }
}

interface ErasureRow {
  person_id: string;
  correlation_id: string;
  causation_id: string;
}

function orderOf({ person_id, correlation_id, causation_id }: ErasureRow): ErasureOrder {
  return { personId: person_id, trace: { correlation_id, causation_id } };
}
