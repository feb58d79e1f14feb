import { isUtf8 } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { XmlDocument, XmlElement, XmlNode, XmlParseError } from 'libxml2-wasm' with {
  'resolution-mode': 'import',
};
import { excerpt, ListRefused } from './list-refused';

type Library = typeof import('libxml2-wasm', { with: { 'resolution-mode': 'import' } });
type NodeClasses = Pick<Library, 'XmlElement' | 'XmlText' | 'XmlCData' | 'XmlTreeNode'>;

/** Biggest list document read, in bytes: 10,000 providers with three services each are 18 MB. */
export const listBytesMax = 64 * 1024 * 1024;

/**
 * Deepest nesting of elements that is still read; the lists of domain.md 9 need 11 levels. libxml2 itself keeps this
 * limit while it parses (unless told XML_PARSE_HUGE, which is never done here), so nothing deeper is ever built.
 */
export const listDepthMax = 256;

/** Entries handled before other work gets its turn; some 3 ms of providers with three services each. */
const entriesPerSlice = 10;

/** libxml2 keeps the line of an element in 16 bits: at this value it is unknown. */
const lineUnknownFrom = 65_535;

/** libxml2-wasm is ESM-only, hence the import at first use. */
let library: Promise<Library> | undefined;
const loadLibrary = () => (library ??= import('libxml2-wasm'));

/** What the root element of a list must be; `namespaces` holds every release that is understood. */
export interface ListShape {
  root: string;
  namespaces: readonly string[];
}

/** The name space of a release of a list (domain.md 9; `xmlns:` is MedMij's own pseudo scheme). */
export const listNamespace = (list: string, release: number) =>
  `xmlns://afsprakenstelsel.medmij.nl/${list}/release${release}/`;

/**
 * Parses the bytes of a list, lets `read` walk it, and frees the document whatever happens. The result must be plain
 * data: nothing of the document outlives this call. Asynchronous so that the walk can be sliced (see `eachEntry`) and
 * the whole could move to a worker thread without a change for its callers; libxml2's own parse is one step
 * (160 to 330 ms for 18 MB, measured on 2 cores).
 * @throws ListRefused not UTF-8, too big, too deep, not well-formed, any DTD, wrong root or name space, or by `read`
 */
export async function readListDocument<T>(
  bytes: Uint8Array,
  shape: ListShape,
  read: (root: ListElement) => Promise<T>,
): Promise<T> {
  guardBytes(bytes);
  const { XmlDocument, XmlParseError, ParseOption, ...nodes } = await loadLibrary();
  let document: XmlDocument;
  try {
    document = XmlDocument.fromBuffer(bytes, {
      // Decided from outside, so that the document cannot choose a decoder that the guards did not look at.
      encoding: 'utf-8',
      option:
        ParseOption.XML_PARSE_NO_XXE |
        ParseOption.XML_PARSE_NONET |
        ParseOption.XML_PARSE_NO_SYS_CATALOG |
        // White space between elements says nothing here, and walking over it took a third of the time.
        ParseOption.XML_PARSE_NOBLANKS,
    });
  } catch (error) {
    if (error instanceof XmlParseError) throw notWellFormed(error);
    throw error;
  }
  try {
    // guardBytes has seen to this already; a DTD that got past it must not get any further.
    if (document.dtd) throw new ListRefused(null, 'a document type declaration is not allowed');
    const root = document.root;
    if (root.name !== shape.root) {
      throw new ListRefused(lineOf(root), `the root element is ${excerpt(root.name)}, not ${shape.root}`);
    }
    if (!shape.namespaces.includes(root.namespaceUri)) {
      throw new ListRefused(lineOf(root), `the name space ${excerpt(root.namespaceUri)} is not one of this list`);
    }
    return await read(new ListElement(root, root.namespaceUri, nodes));
  } finally {
    document.dispose();
  }
}

/** Everything that is judged before libxml2 sees a byte: an entity that is never parsed can never be expanded. */
function guardBytes(bytes: Uint8Array): void {
  if (bytes.length > listBytesMax) throw new ListRefused(null, `bigger than ${listBytesMax} bytes`);
  if (!isUtf8(bytes)) throw new ListRefused(null, 'not UTF-8');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lineAt = (offset: number) => text.subarray(0, offset).toString('latin1').split('\n').length;
  const startsWith = (sign: string, offset: number) =>
    text.subarray(offset, offset + sign.length).toString('latin1') === sign;

  let offset = startsWith('\xef\xbb\xbf', 0) ? 3 : 0;
  for (;;) {
    while (' \t\r\n'.includes(String.fromCharCode(text[offset] ?? 0))) offset++;
    const isComment = startsWith('<!--', offset);
    if (!isComment && startsWith('<!', offset)) {
      throw new ListRefused(lineAt(offset), 'a document type declaration is not allowed');
    }
    if (!isComment && !startsWith('<?', offset)) return;
    const end = isComment ? text.indexOf('-->', offset + 4) : text.indexOf('?>', offset + 2);
    if (end < 0) return; // Cut off: libxml2 says so with the exact place.
    const declared = /^<\?xml\s[^]*?encoding\s*=\s*["']([^"']*)/.exec(text.subarray(offset, end).toString('latin1'));
    if (declared && !/^utf-8$/i.test(declared[1]!)) {
      throw new ListRefused(lineAt(offset), `declared as ${excerpt(declared[1]!)}, only UTF-8 is read`);
    }
    offset = end + (isComment ? 3 : 2);
  }
}

function notWellFormed(error: XmlParseError): ListRefused {
  const first = error.details[0];
  if (first?.message.startsWith('Excessive depth')) {
    return new ListRefused(first.line, `nested deeper than ${listDepthMax} elements`, { cause: error });
  }
  return new ListRefused(first?.line ?? null, `not well-formed: ${excerpt((first ?? error).message.trim())}`, {
    cause: error,
  });
}

const lineOf = (element: XmlElement): number | null => (element.line < lineUnknownFrom ? element.line : null);

/**
 * An element of a list: knows its children by name and refuses what is missing or there twice. Attributes, comments,
 * elements of other name spaces and unknown ones are passed over, for real lists grow (domain.md 9 names what counts).
 */
export class ListElement {
  #byName: Map<string, ListElement[]> | undefined;

  constructor(
    private readonly element: XmlElement,
    private readonly namespace: string,
    private readonly nodes: NodeClasses,
  ) {}

  get line(): number | null {
    return lineOf(this.element);
  }

  /** The one child of this name. @throws ListRefused when there is none or more than one */
  one(name: string): ListElement {
    return this.optional(name) ?? this.refuse(`${name} is missing`);
  }

  /** The child of this name, when there is one. @throws ListRefused when there is more than one */
  optional(name: string): ListElement | undefined {
    const [first, second] = this.all(name);
    return second ? second.refuse(`${name} occurs twice`) : first;
  }

  /** All children of this name, in document order. */
  all(name: string): readonly ListElement[] {
    if (!this.#byName) {
      this.#byName = new Map();
      for (const [childName, child] of this.children()) {
        const namesakes = this.#byName.get(childName);
        if (namesakes) namesakes.push(child);
        else this.#byName.set(childName, [child]);
      }
    }
    return this.#byName.get(name) ?? [];
  }

  /** The text, without white space around it. @throws ListRefused when there are elements inside */
  text(): string {
    let text = '';
    for (const node of this.nodesInside()) {
      if (node instanceof this.nodes.XmlElement) this.refuse(`${this.element.name} holds elements instead of text`);
      if (node instanceof this.nodes.XmlText || node instanceof this.nodes.XmlCData) text += node.content;
    }
    return text.trim();
  }

  hasElements(): boolean {
    return !this.children().next().done;
  }

  /**
   * Handles the children of this name one after the other, giving other work a turn after every slice.
   * @returns how many there were
   */
  async eachEntry(name: string, handle: (entry: ListElement) => void): Promise<number> {
    let count = 0;
    for (const [childName, child] of this.children()) {
      if (childName !== name) continue;
      handle(child);
      if (++count % entriesPerSlice === 0) await nextTurn();
    }
    return count;
  }

  refuse(reason: string): never {
    throw new ListRefused(this.line, reason);
  }

  private *children(): Generator<[name: string, child: ListElement]> {
    for (const node of this.nodesInside()) {
      if (node instanceof this.nodes.XmlElement && node.namespaceUri === this.namespace) {
        yield [node.name, new ListElement(node, this.namespace, this.nodes)];
      }
    }
  }

  private *nodesInside(): Generator<XmlNode> {
    let node: XmlNode | null = this.element.firstChild;
    while (node) {
      yield node;
      // To libxml2-wasm a processing instruction is no tree node and has no `next`: the list would end there unnoticed.
      node = node instanceof this.nodes.XmlTreeNode ? node.next : node.get('following-sibling::node()[1]');
    }
  }
}
