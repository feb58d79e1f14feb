import type { Lists } from '../medmij-lists';
import { facts, form, heading, type Html, notice, type Page, paragraph, points, wayTo, type Words } from '../screens';
import { exceptions } from './exceptions';
import type { InteractionView } from './interaction.store';

/** What a page about one interaction needs: where its buttons lead, and the tokens of its forms. */
export interface PageSurroundings {
  handle: string;
  redirectUri: string;
  expiresAt: Date;
  now: Date;
  publicUrl: string;
  /** The form token for an action. */
  tokenFor(action: string): string;
}

/** Where forms and links of the pages lead. */
export const interactionPaths = {
  page: '/oauth/interaction',
  signIn: '/oauth/interaction/sign-in',
  cancel: '/oauth/interaction/cancel',
  decision: '/oauth/interaction/decision',
  leave: '/oauth/interaction/leave',
} as const;

/** A path with the handle of the interaction. */
export const pathWith = (path: string, handle: string) => `${path}?id=${handle}`;

/** What a form token is made for: this action on this interaction, so that no form serves another one. */
export const formOf = (action: string, interactionId: string) => `${action} ${interactionId}`;

/** Seconds after the time is up, so that it is up indeed when the browser asks. */
const graceS = 1;

/** Names as persons read them; what a list no longer has goes by its id. */
interface Parties {
  client: string;
  provider: string;
  service: string;
}

export function partiesOf(interaction: InteractionView, lists: Lists): Parties {
  return {
    client: lists.client(interaction.client_id)?.organisationName ?? interaction.client_id,
    provider: interaction.provider,
    service: lists.serviceName(interaction.service_id) ?? interaction.service_id,
  };
}

export function landingPage({ days }: InteractionView, parties: Parties, at: PageSurroundings): Page {
  const title: Words =
    days === 0
      ? { nl: 'Stoppen met berichten over nieuwe gegevens', en: 'Stop messages about new data' }
      : { nl: 'Bericht krijgen bij nieuwe gegevens', en: 'Get a message when there is new data' };
  return pageOf(title, at, [
    paragraph(
      days === 0
        ? {
            nl: `Uw app van ${parties.client} vraagt of u het abonnement hieronder wilt stoppen.`,
            en: `Your app by ${parties.client} asks whether you want to stop the subscription below.`,
          }
        : {
            nl: `Uw app van ${parties.client} vraagt of u het abonnement hieronder wilt nemen.`,
            en: `Your app by ${parties.client} asks whether you want to have the subscription below.`,
          },
    ),
    partyFacts(days, parties),
    paragraph({
      nl: 'Log eerst in. Daarna vragen we wat u wilt.',
      en: 'Please sign in first. Then we ask what you want.',
    }),
    wayTo(pathWith(interactionPaths.signIn, at.handle), { nl: 'Inloggen', en: 'Sign in' }),
    wayTo(pathWith(interactionPaths.cancel, at.handle), { nl: 'Annuleren', en: 'Cancel' }, 'second'),
    openUntil(at),
  ]);
}

/** Toestemmingsverklaring (ext.abo.authint.202). */
export function consentPage({ days }: InteractionView, parties: Parties, at: PageSurroundings): Page {
  const { client, provider, service } = parties;
  const forDays: Words =
    days === 1
      ? { nl: 'Alleen vandaag', en: 'Today only' }
      : { nl: `De komende ${days} dagen`, en: `For the next ${days} days` };
  return pageOf({ nl: 'Geeft u toestemming?', en: 'Do you give permission?' }, at, [
    paragraph({
      nl: `${forDays.nl as string} mag ${provider} aan ${client} laten weten dat er nieuwe gegevens over u zijn in ${service}.`,
      en: `${forDays.en as string} ${provider} may let ${client} know that there is new data about you in ${service}.`,
    }),
    partyFacts(days, parties),
    points([
      {
        nl: 'In het bericht staan geen gezondheidsgegevens. Er staat alleen in dat er iets nieuws is.',
        en: 'The message holds no health data. It only says that there is something new.',
      },
      {
        nl: `${provider} mag dit weigeren en mag er later mee stoppen.`,
        en: `${provider} may say no to this and may stop it later.`,
      },
      {
        nl: 'Dit is geen langdurige toestemming: uw app kan hiermee uw gegevens niet ophalen.',
        en: 'This is not long-term consent: your app cannot collect your data with it.',
      },
      { nl: 'U kunt er zelf altijd mee stoppen.', en: 'You can always stop it yourself.' },
    ]),
    ...answerForms(at, { nl: 'Ja, ik geef toestemming', en: 'Yes, I give permission' }),
    openUntil(at),
  ]);
}

/** Beëindigingsverklaring (domain.md 2, decided): a screen of its own. */
export function terminationPage({ days }: InteractionView, parties: Parties, at: PageSurroundings): Page {
  const { client, provider, service } = parties;
  return pageOf({ nl: 'Wilt u het abonnement stoppen?', en: 'Do you want to stop the subscription?' }, at, [
    paragraph({
      nl: `Als u ja zegt, laat ${provider} niet meer aan ${client} weten dat er nieuwe gegevens over u zijn in ${service}. Dat gaat meteen in.`,
      en: `If you say yes, ${provider} no longer lets ${client} know that there is new data about you in ${service}. This takes effect at once.`,
    }),
    partyFacts(days, parties),
    points([
      {
        nl: 'Gegevens die uw app al heeft, blijven in uw app staan.',
        en: 'Data that your app already has stays in your app.',
      },
      { nl: 'U kunt later een nieuw abonnement nemen.', en: 'You can have a new subscription later.' },
    ]),
    ...answerForms(at, { nl: 'Ja, stop het abonnement', en: 'Yes, stop the subscription' }),
    openUntil(at),
  ]);
}

export function cancelPage(at: PageSurroundings): Page {
  const { title, body } = exceptions.cancelled.text;
  return pageOf(title, at, [
    ...body.map(paragraph),
    leaveForm(at, { nl: 'Ja, terug naar mijn app', en: 'Yes, back to my app' }),
    wayTo(pathWith(interactionPaths.page, at.handle), { nl: 'Nee, ga verder', en: 'No, go on' }, 'second'),
  ]);
}

/** Exceptions 2 and 3: the person is told why, and goes back when they want, or when the time is up. */
export function refusalPage(exception: 'Abonneren 2' | 'Abonneren 3', at: PageSurroundings): Page {
  const { title, body } = exceptions[exception].text;
  return pageOf(title, at, [
    ...body.map(paragraph),
    leaveForm(at, { nl: 'Terug naar mijn app', en: 'Back to my app' }),
    paragraph({
      nl: `Doet u niets? Dan gaat deze pagina om ${timeOf(at.expiresAt)} uur vanzelf terug.`,
      en: `If you do nothing, this page goes back by itself at ${timeOf(at.expiresAt)}.`,
    }),
  ]);
}

/** Exception 1a: a page that leads nowhere, for nobody knows where to. */
export function technicalErrorPage(): Page {
  const { title, body } = exceptions['Abonneren 1a'].text;
  return { status: 400, title, body: [heading(title), ...body.map(paragraph)] };
}

export function answeredPage(): Page {
  const title = { nl: 'U hebt al geantwoord', en: 'You have answered already' };
  return {
    title,
    body: [
      heading(title),
      paragraph({
        nl: 'Uw antwoord is naar uw app gestuurd. U kunt dit venster sluiten.',
        en: 'Your answer was sent to your app. You may close this window.',
      }),
    ],
  };
}

export function otherBrowserPage(): Page {
  const title = { nl: 'Deze pagina hoort niet bij uw browser', en: 'This page does not belong to your browser' };
  return {
    status: 403,
    title,
    body: [
      heading(title),
      paragraph({
        nl: 'De aanvraag is in een andere browser begonnen, of uw browser bewaart onze cookies niet. Begin opnieuw in uw app.',
        en: 'The request was begun in another browser, or your browser does not keep our cookies. Please start anew in your app.',
      }),
    ],
  };
}

/** Every page of an interaction may lead to the client's address, and goes there by itself when the time is up. */
function pageOf(title: Words, at: PageSurroundings, body: readonly Html[]): Page {
  const { handle, publicUrl, redirectUri, expiresAt, now } = at;
  return {
    title,
    body: [heading(title), ...body],
    formAction: [new URL(redirectUri).origin],
    goesOn: {
      afterS: Math.max(0, (expiresAt.getTime() - now.getTime()) / 1_000) + graceS,
      to: publicUrl + pathWith(interactionPaths.leave, handle),
    },
  };
}

function partyFacts(days: number, { client, provider, service }: Parties): Html {
  return facts([
    { term: { nl: 'Zorgaanbieder', en: 'Care provider' }, value: provider },
    { term: { nl: 'Gegevens', en: 'Data' }, value: service },
    { term: { nl: 'App van', en: 'App by' }, value: client },
    ...(days === 0
      ? []
      : [
          {
            term: { nl: 'Hoe lang', en: 'How long' },
            value: days === 1 ? { nl: '1 dag', en: '1 day' } : { nl: `${days} dagen`, en: `${days} days` },
          },
        ]),
  ]);
}

function answerForms(at: PageSurroundings, yes: Words): Html[] {
  const { decision } = interactionPaths;
  return [
    form({
      action: decision,
      token: at.tokenFor(decision),
      fields: { interaction: at.handle },
      buttons: [{ label: yes }],
    }),
    leaveForm(at, { nl: 'Nee', en: 'No' }),
  ];
}

function leaveForm(at: PageSurroundings, label: Words): Html {
  const { leave } = interactionPaths;
  return form({
    action: leave,
    token: at.tokenFor(leave),
    fields: { interaction: at.handle },
    buttons: [{ label, look: 'second' }],
  });
}

function openUntil({ expiresAt }: PageSurroundings): Html {
  return notice('information', {
    nl: `U kunt antwoorden tot ${timeOf(expiresAt)} uur. Daarna gaat u vanzelf terug naar uw app.`,
    en: `You can answer until ${timeOf(expiresAt)}. After that you are sent back to your app.`,
  });
}

const clockTime = new Intl.DateTimeFormat('nl-NL', {
  timeZone: 'Europe/Amsterdam',
  hour: '2-digit',
  minute: '2-digit',
});
const timeOf = (moment: Date) => clockTime.format(moment);
