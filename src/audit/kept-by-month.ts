import { type Clock, type Database, MonthPartitions } from '../platform';
import type { DestructionRecords } from './destruction-records.store';

/** core.logging.101: at least 24 months and at most 36; a month goes when all of it has been kept for 24. */
const keptMonths = 24;

/** The months of a table that is kept like the audit trail; what goes leaves a written record. `by`: the column of the moment. */
export function keptByMonth(
  table: { name: string; by: string },
  { database, destructions, clock }: { database: Database; destructions: DestructionRecords; clock: Clock },
): MonthPartitions {
  return new MonthPartitions(database, { ...table, keptMonths }, (queries, { table: what, ...month }) =>
    destructions.write({ what, ...month, at: clock.now() }, queries),
  );
}

/** The beginning of a month (UTC): what is older goes, nothing younger does. */
export function keptSince(now: Date): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - keptMonths));
}
