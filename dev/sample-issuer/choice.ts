import type { IncomingMessage } from 'node:http';
import { sampleOperator } from './operators';

/** Bytes of the form; it has one short field. */
const formBytesMax = 1_024;

/** Numbers that begin with 9999 are for tests and are nobody's. */
const testNumber = /^9999[0-9]{5}$/;

/** Who the person at the browser wants to be; undefined when the number is none for tests, or there is no such operator. */
export async function readChoice(
  request: IncomingMessage,
  isOperator: boolean,
): Promise<{ subject: string } | 'unknown' | undefined> {
  let text = '';
  for await (const piece of request) {
    text += String(piece);
    if (text.length > formBytesMax) return undefined;
  }
  const person = new URLSearchParams(text).get('person')?.trim() ?? '';
  if (person === 'unknown') return 'unknown';
  const isKnown = isOperator ? sampleOperator(person) !== undefined : testNumber.test(person);
  return isKnown ? { subject: person } : undefined;
}
