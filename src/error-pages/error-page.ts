import type { AnswerInPage } from '../http';
import { refusals } from '../refusals';
import { facts, heading, type Page, paragraph, sendPage, wayTo } from '../screens';
import { type ErrorText, errorTexts, pageTexts } from './error-texts';

const codeTerm = { nl: 'Code voor de helpdesk', en: 'Code for the help desk' };

/** The page of one code. `reference` finds the request in the log. */
export function errorPage(status: number, code: string, text: ErrorText, reference?: string): Page {
  const { title, meaning, advice, mayBeSuspended } = text;
  return {
    status,
    title,
    body: [
      heading(title),
      paragraph(meaning),
      paragraph(advice),
      ...(mayBeSuspended
        ? [
            wayTo('/my/subscriptions', {
              nl: 'Inloggen en mijn abonnementen bekijken',
              en: 'Sign in and look at my subscriptions',
            }),
          ]
        : []),
      facts([
        { term: codeTerm, value: code },
        ...(reference === undefined ? [] : [{ term: { nl: 'Nummer', en: 'Reference' }, value: reference }]),
      ]),
    ],
  };
}

/** Every error of a route for persons, as the HTTP edge asks for it. */
export const answerInPage: AnswerInPage = ({ code }, { ids }, reply) => {
  const page = errorPage(refusals[code].status, code, pageTexts[code] ?? errorTexts[code], ids?.requestId);
  void sendPage(reply, page);
};
