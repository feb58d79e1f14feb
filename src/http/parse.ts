import { z } from 'zod';
import { type Fault, Refused } from '../refusals';

/** Faults named in one answer; a body can hold thousands. */
const faultsMax = 20;

/**
 * What a caller sent, as the schema says it must be.
 * @throws Refused `malformed_request` naming each fault by path, never by value
 */
export function parse<Schema extends z.ZodType>(schema: Schema, sent: unknown): z.output<Schema> {
  const parsed = schema.safeParse(sent);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.flatMap(faultsOf).slice(0, faultsMax);
  throw new Refused('malformed_request', 'The request does not have the expected form; see errors.', faults);
}

function faultsOf(issue: z.core.$ZodIssue): Fault[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, namable(key)].join('.'), message: 'Unknown field.' }));
  }
  return [{ path: path.map(namable).join('.'), message: issue.message }];
}

/** A key is the caller's text too: one that is no plain name is not repeated, for it could be a person's number. */
function namable(key: string): string {
  return /^[A-Za-z_][A-Za-z_-]{0,49}$|^[0-9]{1,4}$/.test(key) ? key : '(unnamable)';
}

const nothing = z.strictObject({});

/**
 * For a door that takes neither query parameters nor, where there is one, a body.
 * @throws Refused `malformed_request`
 */
export function expectNothing(query: unknown, body?: unknown): void {
  parse(nothing, query);
  parse(nothing, body ?? {});
}
