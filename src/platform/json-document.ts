/** A text that says nothing, or more than one thing. The message says which, and quotes nothing of it. */
export class UnreadableJson extends Error {
  constructor(message: 'is not valid UTF-8' | 'is not valid JSON' | 'names a field twice') {
    super(message);
    this.name = 'UnreadableJson';
  }
}

/**
 * What a JSON document in UTF-8 says. A name that occurs twice in one object is refused: RFC 8259 leaves open which of the two
 * counts, and whoever looked at the document before us may have looked at the other one.
 * @throws UnreadableJson
 */
export function readJsonDocument(bytes: Uint8Array): unknown {
  const text = decode(bytes);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new UnreadableJson('is not valid JSON');
  }
  if (namesAFieldTwice(text)) throw new UnreadableJson('names a field twice');
  return content;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UnreadableJson('is not valid UTF-8');
  }
}

/** Brackets, and texts with the colon that makes them names; of a valid document nothing else matters here. */
const token = /[{}[\]]|"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/g;

/** Expects valid JSON. A list of its own for what is open: a document can be nested deeper than calls can. */
function namesAFieldTwice(json: string): boolean {
  const open: (Set<string> | undefined)[] = [];
  for (const [found, colon] of json.matchAll(token)) {
    if (found === '{') open.push(new Set());
    else if (found === '[') open.push(undefined);
    else if (found === '}' || found === ']') open.pop();
    else if (colon !== undefined) {
      const names = open.at(-1)!;
      // "\u0061" is the name "a" too.
      const name = JSON.parse(found.slice(0, -colon.length)) as string;
      if (names.has(name)) return true;
      names.add(name);
    }
  }
  return false;
}
