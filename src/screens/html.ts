/** HTML that is safe to send. Made by the template below only: a text never turns into markup by being passed on. */
export class Html {
  /** Private, so that nothing else that has a `markup` can be taken for it. */
  readonly #markup: string;

  /** `markup`: the fixed parts of a template, `values` what stands between them. */
  constructor(markup: TemplateStringsArray, values: readonly Piece[]) {
    this.#markup = markup.reduce((text, part, index) => text + markupOf(values[index - 1]) + part);
  }

  toString(): string {
    return this.#markup;
  }
}

type Piece = Html | string | number | readonly Piece[] | undefined | false;

/**
 * HTML with values in it. Every text is escaped wherever it stands, in quoted attributes too; what is left out (`undefined`,
 * `false`) leaves nothing.
 */
export function html(markup: TemplateStringsArray, ...values: readonly Piece[]): Html {
  return new Html(markup, values);
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function markupOf(piece: Piece): string {
  if (piece === undefined || piece === false) return '';
  if (piece instanceof Html) return piece.toString();
  if (typeof piece === 'object') return piece.map(markupOf).join('');
  return String(piece).replace(/[&<>"']/g, (character) => escapes[character]!);
}
