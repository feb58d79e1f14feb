import { isUtf8 } from 'node:buffer';
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
 * data: nothing of the document outlives this call. Asynchronous only because the library is loaded at first use.
 * @throws ListRefused not UTF-8, too big, too deep, not well-formed, any DTD, wrong root or name space, or by `read`
 */
export async function readListDocument<T>(
  bytes: Uint8Array,
  shape: ListShape,
  read: (root: ListElement) => T,
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
    const namespace = root.namespaceUri;
    return read(new ListElement(root, { nodes, namespace, hasForeign: hasForeignElements(root, namespace) }));
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

/** Counted by libxml2 in 40 ms where 18 MB lie; to ask each element for its name space took 500. */
function hasForeignElements(root: XmlElement, namespace: string): boolean {
  return root.eval('count(//*) != count(//own:*)', { own: namespace }) === true;
}

const lineOf = (element: XmlElement): number | null => (element.line < lineUnknownFrom ? element.line : null);

/** What every element of one document must know. */
interface DocumentTraits {
  nodes: NodeClasses;
  namespace: string;
  /** Whether there are elements of other name spaces. */
  hasForeign: boolean;
}

/**
 * An element of a list: knows its children by name and refuses what is missing or there twice. Attributes, comments,
 * elements of other name spaces and unknown ones are passed over, for real lists grow (domain.md 9 names what counts).
 */
export class ListElement {
  readonly #name: string;
  #children: readonly ListElement[] | undefined;

  constructor(
    private readonly element: XmlElement,
    private readonly document: DocumentTraits,
  ) {
    this.#name = element.name;
  }

  get line(): number | null {
    return lineOf(this.element);
  }

  /** The one child of this name. @throws ListRefused when there is none or more than one */
  one(name: string): ListElement {
    return this.optional(name) ?? this.refuse(`${name} is missing`);
  }

  /** The child of this name, when there is one. @throws ListRefused when there is more than one */
  optional(name: string): ListElement | undefined {
    let found: ListElement | undefined;
    for (const child of this.kept()) {
      if (child.#name !== name) continue;
      if (found) child.refuse(`${name} occurs twice`);
      found = child;
    }
    return found;
  }

  /** All children of this name, in document order. */
  all(name: string): readonly ListElement[] {
    return this.kept().filter((child) => child.#name === name);
  }

  /** The text, without white space around it. @throws ListRefused when there are elements inside */
  text(): string {
    const { XmlElement, XmlText, XmlCData } = this.document.nodes;
    let text = '';
    for (let node = this.element.firstChild as XmlNode | null; node; node = this.after(node)) {
      if (node instanceof XmlElement) this.refuse(`${this.#name} holds elements instead of text`);
      if (node instanceof XmlText || node instanceof XmlCData) text += node.content;
    }
    return text.trim();
  }

  hasElements(): boolean {
    return !this.children().next().done;
  }

  /** The children of this name one by one, in document order, without keeping them. */
  *each(name: string): Generator<ListElement> {
    for (const child of this.children()) if (child.#name === name) yield child;
  }

  refuse(reason: string): never {
    throw new ListRefused(this.line, reason);
  }

  private kept(): readonly ListElement[] {
    return (this.#children ??= [...this.children()]);
  }

  private *children(): Generator<ListElement> {
    for (let node = this.element.firstChild as XmlNode | null; node; node = this.after(node)) {
      if (this.isOwn(node)) yield new ListElement(node, this.document);
    }
  }

  private isOwn(node: XmlNode): node is XmlElement {
    const { nodes, hasForeign, namespace } = this.document;
    return node instanceof nodes.XmlElement && (!hasForeign || node.namespaceUri === namespace);
  }

  private after(node: XmlNode): XmlNode | null {
    // To libxml2-wasm a processing instruction is no tree node and has no `next`: the list would end there unnoticed.
    return node instanceof this.document.nodes.XmlTreeNode ? node.next : node.get('following-sibling::node()[1]');
  }
}
