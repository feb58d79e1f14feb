import { type Html, html } from './html';
import { inline, type Words } from './words';

/** The title of a page; every page has one. */
export function heading(words: Words): Html {
  return html`<h1 class="pair">${inline(words)}</h1>`;
}

export function paragraph({ nl, en }: Words): Html {
  return html`<div class="pair">
    <p>${nl}</p>
    <p lang="en">${en}</p>
  </div>`;
}

/** Points to read one by one, each with its translation beside it. */
export function points(items: readonly Words[]): Html {
  return html`<ul class="points">
    ${items.map((words) => html`<li class="pair">${inline(words)}</li>`)}
  </ul>`;
}

/** Something that must not be overlooked: what went wrong, or that this is no real service. */
export function notice(kind: 'information' | 'warning', ...words: readonly Words[]): Html {
  return html`<div class="notice ${kind}">${words.map(paragraph)}</div>`;
}

/** Terms and what they are, such as the parties of a subscription. */
export function facts(items: readonly { term: Words; value: string | Html | Words }[]): Html {
  return html`<dl>
    ${items.map(
      ({ term, value }) =>
        html`<div>
          <dt>${inline(term)}</dt>
          <dd>${isWords(value) ? inline(value) : value}</dd>
        </div>`,
    )}
  </dl>`;
}

function isWords(value: string | Html | Words): value is Words {
  return typeof value === 'object' && 'nl' in value;
}

/** Several things of one kind, one below the other. */
export function cards(items: readonly (readonly Html[])[]): Html {
  return html`<ul class="cards">
    ${items.map((parts) => html`<li>${parts}</li>`)}
  </ul>`;
}

export interface Button {
  label: Words;
  /** What the form says when this button is the one that was pressed. */
  name?: string;
  value?: string;
  look?: 'first' | 'second' | 'danger';
}

/** A form that is sent to one of our own pages; `token` is what FormTokens issued for that same action. */
export function form({
  action,
  token,
  fields = {},
  buttons,
}: {
  action: string;
  token: string;
  fields?: Readonly<Record<string, string>>;
  buttons: readonly Button[];
}): Html {
  const hidden = Object.entries({ ...fields, form_token: token });
  return html`<form method="post" action="${action}">
    ${hidden.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
    <div class="buttons">${buttons.map(button)}</div>
  </form>`;
}

function button({ label, name, value = '', look = 'first' }: Button): Html {
  const named = name !== undefined && html` name="${name}" value="${value}"`;
  return html`<button type="submit" class="${look}" ${named}>${inline(label)}</button>`;
}

/** A way to another page that looks like a button. It only leads somewhere; what changes something is a form. */
export function wayTo(href: string, label: Words, look: 'first' | 'second' | 'danger' = 'first'): Html {
  return html`<div class="buttons"><a class="button ${look}" href="${href}">${inline(label)}</a></div>`;
}
