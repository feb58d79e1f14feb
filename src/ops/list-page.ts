import { z } from 'zod';
import { Refused } from '../refusals';

/** `limit` and `after` of every list (contract.md 4). */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(500).default(50),
  after: z.string().min(1).max(300).optional(),
};

/** One page of a list; `next` asks for the one after it, null at the end. */
export interface ListPage<Item> {
  items: Item[];
  next: string | null;
}

/** The shape of a page, for the API's description. */
export function pageOf(item: z.ZodType) {
  return z.strictObject({ items: z.array(item), next: z.string().nullable() });
}

/** Builds a page out of one row more than asked for: the extra row says that there is more. */
export function listPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  item: (row: Row) => Item,
  place: (row: Row) => string[],
): ListPage<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(item), next: rows.length > limit && last !== undefined ? cursorOf(place(last)) : null };
}

/** A place in a list as opaque text. */
export function cursorOf(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/**
 * The parts of a cursor that this service made.
 * @throws Refused `malformed_request` for any other text
 */
export function partsOfCursor<Parts extends z.ZodType>(cursor: string, parts: Parts): z.output<Parts> {
  let content: unknown;
  try {
    content = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    content = undefined;
  }
  const parsed = parts.safeParse(content);
  if (!parsed.success)
    throw new Refused('malformed_request', 'after is no cursor of this list.', [
      { path: 'after', message: 'Unknown.' },
    ]);
  return parsed.data;
}

/** A moment as PostgreSQL writes it, with all its digits; one that it can read again, for a cursor can be made by hand. */
export const momentText = z
  .string()
  .regex(/^[1-9]\d{3}-\d{2}-\d{2} ([01]\d|2[0-3])(:[0-5]\d){2}(\.\d{1,6})?[+-](0\d|1[0-5])(:[0-5]\d){0,2}$/)
  .refine((text) => z.iso.date().safeParse(text.slice(0, 10)).success);
