import { Refused } from '../refusals';

/** Fields of one form; ours have fewer than ten. */
const fieldsMax = 50;

/**
 * The fields of a form (application/x-www-form-urlencoded, UTF-8). A field given twice is refused, for whoever looked at the
 * form before us may have looked at the other one; so is an escape that means no character.
 * @throws Refused `malformed_request`
 */
export function readForm(body: Buffer): Record<string, string> {
  const pairs = body.toString('latin1').split('&').filter(Boolean);
  if (pairs.length > fieldsMax) throw new Refused('malformed_request', 'The form has too many fields.');
  const fields = new Map<string, string>();
  for (const pair of pairs) {
    const equals = pair.includes('=') ? pair.indexOf('=') : pair.length;
    const name = unescape(pair.slice(0, equals));
    if (fields.has(name)) throw new Refused('malformed_request', 'The form names a field twice.');
    fields.set(name, unescape(pair.slice(equals + 1)));
  }
  return Object.fromEntries(fields);
}

function unescape(text: string): string {
  // The form is ASCII on the wire: what lies outside must be escaped.
  if (!/^[\x20-\x7e]*$/.test(text)) throw new Refused('malformed_request', 'The form is not valid.');
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new Refused('malformed_request', 'The form is not valid.');
  }
}
