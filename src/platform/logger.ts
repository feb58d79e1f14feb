import { types } from 'node:util';
import pino from 'pino';

/** Structured lines on standard output: ids yes, tokens, subjects and other personal data never. */
export type Logger = pino.Logger;

/** Injection token of the logger. */
export const LOGGER = Symbol('LOGGER');

export function createLogger(level: string, destination: pino.DestinationStream = pino.destination(1)): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    // Most callers describe an error themselves; what they made of it is not described again.
    serializers: { error: (error: unknown) => (isError(error) ? describeError(error) : error) },
  };
  return pino(options, destination);
}

/**
 * What a log line may say of an error: its kind, code and place. A database error's `detail` and parameters are left out,
 * since they may quote the row, and with it a person.
 */
export function describeError(error: unknown): Record<string, unknown> {
  if (!isError(error)) return { message: String(error) };
  const code = (error as { code?: unknown }).code;
  return {
    name: error.name,
    message: error.message,
    ...(typeof code === 'string' && { code }),
    stack: error.stack,
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  };
}

/** Some libraries make errors that are no native ones, and a test runner makes native ones of another realm. */
function isError(error: unknown): error is Error {
  return error instanceof Error || types.isNativeError(error);
}
