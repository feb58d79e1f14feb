import { isOutage } from '../platform';
import { Refused } from '../refusals';
import { AuthorizationException, type ExceptionName } from './exceptions';

/** What the table says of an error; undefined for a refusal that is about this one request of the browser only, such as a foreign form. */
export function exceptionOf(error: unknown): ExceptionName | undefined {
  if (error instanceof AuthorizationException) return error.exception;
  if (isOutage(error)) return 'temporarily_unavailable';
  if (error instanceof Refused) return error.code === 'unavailable' ? 'temporarily_unavailable' : undefined;
  return 'server_error';
}
