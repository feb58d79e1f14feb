import { type Html, html } from './html';

/** The same said twice: Dutch at B1 reading level, and English beside it (domain.md 10). */
export interface Words {
  nl: string | Html;
  en: string | Html;
}

/** Both languages on one line or below each other, for where one element holds both: a heading, a button, a term. */
export function inline({ nl, en }: Words): Html {
  return html`<span>${nl}</span> <span lang="en">${en}</span>`;
}
