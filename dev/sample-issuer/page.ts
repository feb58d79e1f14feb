import type { ServerResponse } from 'node:http';
import { type SampleAvailability, samplePersons } from '../../src/persons';
import { type Html, html } from '../../src/screens';
import { sampleOperators } from './operators';

/** No form-action: the way back leads past the service to any client. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

const particulars: Record<SampleAvailability, Html> = {
  available: html`Gewone persoon <span lang="en">An ordinary person</span>`,
  under_16: html`Jonger dan 16 jaar <span lang="en">Under 16 years of age</span>`,
  no_treatment_relation: html`Geen behandelrelatie <span lang="en">No treatment relation</span>`,
};

/** Who do you want to be? */
export function personsPage(response: ServerResponse, fault?: 'wrong number'): void {
  sendPage(
    response,
    fault ? 400 : 200,
    html`<title>Inloggen als voorbeeldpersoon / Sign in as a sample person</title>`,
    html`<h1>Wie bent u? <span lang="en">Who are you?</span></h1>
      <p>
        Hier staat in het echt DigiD. Kies een voorbeeldpersoon.
        <span lang="en">In real life this is DigiD. Choose a sample person.</span>
      </p>
      <form method="post">
        ${samplePersons.map(({ subject, name, availability }) =>
          choice(subject, html`<b>${name}</b> ${subject}`, particulars[availability]),
        )}
        ${choice(
          'unknown',
          html`<b>Onbekend</b> <b lang="en">Unknown</b>`,
          html`Inloggen mislukt <span lang="en">Signing in fails</span>`,
        )}
      </form>
      <form method="post">
        <label for="person">
          Of een ander testnummer, dat begint met 9999
          <span lang="en">Or another test number, which begins with 9999</span>
        </label>
        ${
          fault &&
          html`<p id="fault" role="alert">
            Een testnummer heeft 9 cijfers en begint met 9999.
            <span lang="en">A test number has 9 digits and begins with 9999.</span>
          </p>`
        }
        <input id="person" name="person" type="text" inputmode="numeric" autocomplete="off" required />
        <button>Inloggen <span lang="en">Sign in</span></button>
      </form>`,
  );
}

/** The same for the operator page, which speaks English only. */
export function operatorsPage(response: ServerResponse): void {
  sendPage(
    response,
    200,
    html`<title>Sign in as a sample operator</title>`,
    html`<h1 lang="en">Which operator are you?</h1>
      <p lang="en">In real life this is the sign-in of your organisation. Choose a sample operator.</p>
      <form method="post" lang="en">
        ${sampleOperators.map(({ subject, name, may }) => choice(subject, html`<b>${name}</b>`, html`${may}`))}
        ${choice('unknown', html`<b>Nobody</b>`, html`Signing in fails`)}
      </form>`,
  );
}

function sendPage(response: ServerResponse, status: number, title: Html, main: Html): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
  });
  response.end(
    html`<!doctype html>
      <html lang="nl">
        <head>
          <meta charset="utf-8" />
          ${title}
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          ${style}
        </head>
        <body>
          <header>Alleen voor ontwikkeling <span lang="en">For development only</span></header>
          <main>${main}</main>
        </body>
      </html>`.toString(),
  );
}

function choice(value: string, name: Html, particular: Html): Html {
  return html`<button name="person" value="${value}">
    <span>${name}</span>
    <span>${particular}</span>
  </button>`;
}

const style = html`<style>
  :root {
    color-scheme: light dark;
    --ground: #fff8e6;
    --text: #221a05;
    --line: #8a6d1a;
    --key: #fffdf7;
    --banner: #ffcf4d;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --ground: #1d1808;
      --text: #fdf3d8;
      --line: #b8953a;
      --key: #2b2410;
      --banner: #ffcf4d;
    }
  }
  * {
    box-sizing: border-box;
  }
  body {
    margin: 0;
    background: var(--ground);
    color: var(--text);
    font:
      100%/1.5 system-ui,
      'Liberation Sans',
      sans-serif;
  }
  header {
    padding: 0.7rem 1.25rem;
    background: repeating-linear-gradient(135deg, var(--banner) 0 1.5rem, #ffe39a 1.5rem 3rem);
    color: #221a05;
    font-weight: 700;
    text-align: center;
  }
  main {
    max-width: 34rem;
    margin: 0 auto;
    padding: 1.25rem;
  }
  h1 {
    font-size: 1.5rem;
  }
  form {
    display: grid;
    gap: 0.7rem;
    margin-top: 1.5rem;
  }
  [lang='en'] {
    font-style: italic;
  }
  button {
    display: grid;
    gap: 0.1rem;
    min-height: 3.25rem;
    padding: 0.6rem 1rem;
    border: 2px solid var(--line);
    border-radius: 0.4rem;
    background: var(--key);
    color: inherit;
    font: inherit;
    text-align: left;
    cursor: pointer;
  }
  button:hover {
    text-decoration: underline;
  }
  input {
    min-height: 2.75rem;
    padding: 0.4rem 0.7rem;
    border: 2px solid var(--line);
    border-radius: 0.4rem;
    background: var(--key);
    color: inherit;
    font: inherit;
  }
  :focus-visible {
    outline: 3px solid currentcolor;
    outline-offset: 3px;
  }
</style>`;
