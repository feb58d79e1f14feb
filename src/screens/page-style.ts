import { createHash } from 'node:crypto';

/**
 * One sheet for every page: no picture, no font to fetch. The colours keep 4.5:1 for text and 3:1 for borders and the ring of
 * the focus, in light and in dark; what can be pressed is 44 pixels high at least (WCAG 2.2 AA; test/browser looks).
 */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --ground: #eef1f4;
  --sheet: #ffffff;
  --text: #17212b;
  --quiet: #4a5764;
  --line: #7c8894;
  --first: #0b5394;
  --on-first: #ffffff;
  --danger: #a01c1c;
  --on-danger: #ffffff;
  --notice: #e8f1fa;
  --warning: #fff3d6;
  --focus: #0b5394;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #10161c;
    --sheet: #1a222b;
    --text: #e8edf2;
    --quiet: #b4c0cb;
    --line: #8794a1;
    --first: #9ccbf7;
    --on-first: #0b2136;
    --danger: #f4a6a0;
    --on-danger: #3b0a07;
    --notice: #1d3347;
    --warning: #41340f;
    --focus: #9ccbf7;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { font: 100%/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif; }
body { margin: 0; background: var(--ground); color: var(--text); overflow-wrap: break-word; }
header, main, footer { max-width: 60rem; margin-inline: auto; padding-inline: 1.25rem; }
header { padding-block: 1rem; color: var(--quiet); font-weight: 600; }
header [lang='en'] { font-weight: 400; }
main { background: var(--sheet); padding-block: 1.75rem; border-top: 0.3rem solid var(--first); }
footer { padding-block: 1rem 2rem; color: var(--quiet); font-size: 0.9rem; }
h1, h2, p, ul, dl, dd { margin: 0; padding: 0; }
main > * + *, .cards > li > * + *, .notice > * + * { margin-top: 1.1rem; }
h1 + dl { margin-top: 1.5rem; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.2rem; line-height: 1.3; }
[lang='en'] { color: var(--quiet); }
h1 [lang='en'], h2 [lang='en'] { font-weight: 500; }
.pair { display: grid; gap: 0.25rem 2rem; }
.points { display: grid; gap: 0.9rem; list-style: none; }
.points > li { border-left: 0.25rem solid var(--line); padding-left: 0.9rem; }
.notice { padding: 1rem; background: var(--notice); border-left: 0.3rem solid var(--first); }
.notice.warning { background: var(--warning); }
dl { display: grid; gap: 0.75rem; }
dl > div { display: grid; gap: 0 2rem; }
dt { color: var(--quiet); }
dt span + span::before, dd span + span::before, header span + span::before { content: '/ '; }
dd { font-weight: 600; }
.cards { display: grid; gap: 1.25rem; list-style: none; }
.cards > li { border: 1px solid var(--line); border-radius: 0.4rem; padding: 1.1rem; }
.buttons { display: flex; flex-wrap: wrap; gap: 0.9rem; }
button, .button {
  display: inline-flex; flex-direction: column; align-items: center; justify-content: center;
  min-height: 3.25rem; min-width: 9rem; padding: 0.45rem 1.4rem;
  border: 2px solid var(--first); border-radius: 0.4rem;
  background: var(--first); color: var(--on-first);
  font: inherit; font-weight: 600; line-height: 1.3; text-align: center; text-decoration: none; cursor: pointer;
}
button [lang='en'], .button [lang='en'] { color: inherit; font-size: 0.9rem; font-weight: 500; }
.second { background: transparent; color: var(--first); }
.danger { background: var(--danger); border-color: var(--danger); color: var(--on-danger); }
button:hover, .button:hover { text-decoration: underline; text-underline-offset: 0.2em; }
a { color: var(--first); text-underline-offset: 0.2em; }
label { display: block; font-weight: 600; }
input[type='text'] {
  display: block; width: 100%; max-width: 24rem; min-height: 2.75rem; margin-top: 0.35rem; padding: 0.4rem 0.7rem;
  border: 2px solid var(--line); border-radius: 0.4rem; background: var(--sheet); color: var(--text); font: inherit;
}
:focus-visible { outline: 3px solid var(--focus); outline-offset: 3px; }
@media (min-width: 48rem) {
  .pair { grid-template-columns: 1fr 1fr; }
  dl > div { grid-template-columns: 18rem 1fr; }
  header { padding-block: 1.5rem 1rem; }
  main { padding: 2.25rem; border-radius: 0 0 0.4rem 0.4rem; }
}
@media (max-width: 30rem) {
  button, .button { width: 100%; }
  .buttons, .buttons > * { width: 100%; }
}
@media (forced-colors: active) {
  button, .button { border-color: ButtonText; }
}
@media print {
  .buttons { display: none; }
}
`;

/** Where the sheet is: another sheet has another path, so that a browser may keep this one for as long as it likes. */
export const pageStylePath = `/screens/page-${createHash('sha256').update(pageStyle).digest('hex').slice(0, 16)}.css`;
