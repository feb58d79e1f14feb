import { isOutage, sqlState } from '../platform';
import { LeaseLost } from './checkpoint.store';

/** Characters of an error that are kept. */
const errorLengthMax = 500;

/**
 * Classes of SQLSTATE that speak of what a statement was given: cardinality, data exceptions, constraints, raised errors and
 * limits. All others (locks, privileges, missing tables, broken disks) would meet every event alike.
 */
const aboutContent = /^(21|22|23|44|54|P0)/;

/** Whether an error may be the fault of one event: neither an outage nor a lost lease nor a database that is not as it should be. */
export function mayBePoison(error: unknown): boolean {
  if (error instanceof LeaseLost || isOutage(error)) return false;
  const state = sqlState(error);
  return state === undefined || aboutContent.test(state);
}

/** What is told of such an error: PostgreSQL and JSON quote the value that they refuse, which is left out. */
export function errorText(error: unknown): string {
  const message = error instanceof Error ? error.message : String((error as { message?: unknown })?.message ?? error);
  return message.replace(/: ".*"/gs, ': (a value)').slice(0, errorLengthMax);
}
