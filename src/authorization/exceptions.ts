import type { Words } from '../screens';

/** Errors of RFC 6749 section 4.1.2.1 that this interface gives. */
export type OAuthError =
  | 'invalid_request'
  | 'unauthorized_client'
  | 'access_denied'
  | 'unsupported_response_type'
  | 'server_error'
  | 'temporarily_unavailable';

/** One row of the table, with the published column names. */
export interface ExceptionRow {
  /** The published number; null for what RFC 6749 or we ourselves added. */
  nummer: `Abonneren ${'1a' | '1b' | '2' | '3' | '4' | '5'}` | null;
  /** When. */
  uitzondering: string;
  /** How the person's browser is answered. */
  actie: 'page' | 'redirect' | 'page, then redirect';
  /** What the client is told; null where it is told nothing. `error_uri` is the last part of `/errors/...`. */
  melding: { error: OAuthError; error_description?: string; error_uri: string } | null;
  /** Who goes on with what. */
  vervolg: string;
  /** What the person reads here; null where nothing is shown. What stands at an `error_uri` is for the error pages to say. */
  text: { title: Words; body: readonly Words[] } | null;
}

/**
 * What the client is told of a refusal by whomever and for whatever reason: the same object, so that it cannot differ. No
 * description, for it would have to be true of all of them.
 */
const denied = { error: 'access_denied', error_uri: 'access_denied' } as const;

const everybodyStops = 'Everybody stops the flow once the person has been told.';

const askTheApp: Words = {
  nl: 'Ga terug naar uw app en probeer het opnieuw. Gaat het weer mis? Neem dan contact op met de maker van uw app.',
  en: 'Go back to your app and try again. If it goes wrong again, please contact the maker of your app.',
};
const nothingChanged: Words = {
  nl: 'Er is niets veranderd. Uw app krijgt niet te horen waarom.',
  en: 'Nothing has changed. Your app is not told why.',
};

/**
 * THE TABLE (ext.abo.authint.203 with the decisions of domain.md 3, and RFC 6749 section 4.1.2.1): every way in which an
 * authorization does not come about. The pages, the redirects, the `error_uri` pages and the tests are made from it.
 */
export const exceptions = {
  'Abonneren 1a': {
    nummer: 'Abonneren 1a',
    uitzondering: 'The request has no valid client_id and/or redirect_uri.',
    actie: 'page',
    melding: null,
    vervolg: 'The browser is never sent on: nobody knows whose address it would be.',
    text: {
      title: { nl: 'Er is een technische fout', en: 'There is a technical error' },
      body: [
        {
          nl: 'Uw app heeft u hierheen gestuurd met een vraag die niet klopt. Daarom kunnen we u ook niet terugsturen.',
          en: 'Your app sent you here with a request that is not right. That is also why we cannot send you back.',
        },
        askTheApp,
      ],
    },
  },
  'Abonneren 1b': {
    nummer: 'Abonneren 1b',
    uitzondering: 'Another check of the request fails.',
    actie: 'redirect',
    melding: { error: 'invalid_request', error_uri: 'invalid_request' },
    vervolg: 'The client tells the person.',
    text: null,
  },
  unsupported_response_type: {
    nummer: null,
    uitzondering: 'The response_type is another one than code.',
    actie: 'redirect',
    melding: { error: 'unsupported_response_type', error_uri: 'unsupported_response_type' },
    vervolg: 'The client tells the person.',
    text: null,
  },
  unauthorized_client: {
    nummer: null,
    uitzondering: 'The client is suspended and asks for a subscription; an ending is never refused.',
    actie: 'redirect',
    melding: { error: 'unauthorized_client', error_uri: 'unauthorized_client' },
    vervolg: 'The client tells the person.',
    text: null,
  },
  'Abonneren 2': {
    nummer: 'Abonneren 2',
    uitzondering: 'The identity of the person cannot be established.',
    actie: 'page, then redirect',
    melding: denied,
    vervolg: everybodyStops,
    text: {
      title: { nl: 'We weten niet wie u bent', en: 'We do not know who you are' },
      body: [
        {
          nl: 'Het inloggen is niet gelukt. Daarom kunnen we niet verdergaan.',
          en: 'Signing in did not work. That is why we cannot go on.',
        },
        nothingChanged,
      ],
    },
  },
  'Abonneren 3': {
    nummer: 'Abonneren 3',
    uitzondering:
      'The availability condition fails: there is and was no treatment relation, the provider makes nothing available for this person, or the person is under 16.',
    actie: 'page, then redirect',
    melding: denied,
    vervolg: everybodyStops,
    text: {
      title: { nl: 'U kunt dit abonnement niet nemen', en: 'You cannot have this subscription' },
      body: [
        {
          nl: 'Deze zorgaanbieder heeft voor u geen gegevens die u met uw app kunt ophalen.',
          en: 'This care provider has no data of yours that you can collect with your app.',
        },
        {
          nl: 'Misschien bent u daar geen patiënt, en bent u dat ook niet geweest. Misschien stelt de zorgaanbieder uw gegevens niet beschikbaar. Of u bent jonger dan 16 jaar.',
          en: 'Perhaps you are not a patient there, and never were. Perhaps the care provider does not make your data available. Or you are under 16.',
        },
        nothingChanged,
      ],
    },
  },
  'Abonneren 4': {
    nummer: 'Abonneren 4',
    uitzondering: 'The person answers no.',
    actie: 'redirect',
    melding: denied,
    vervolg: 'The client tells the person that the request cannot go on, and leaves the cause entirely open.',
    text: null,
  },
  cancelled: {
    nummer: null,
    uitzondering: 'The person cancels before being asked.',
    actie: 'redirect',
    melding: denied,
    vervolg: 'As at number 4.',
    text: {
      title: { nl: 'Wilt u stoppen?', en: 'Do you want to stop?' },
      body: [
        {
          nl: 'Als u stopt, gaat u terug naar uw app. Er verandert niets.',
          en: 'If you stop, you go back to your app. Nothing changes.',
        },
      ],
    },
  },
  expired: {
    nummer: null,
    uitzondering: 'Nobody finished the request before its time limit.',
    actie: 'redirect',
    melding: denied,
    vervolg: 'As at number 4; operators see the request as abandoned.',
    text: null,
  },
  'Abonneren 5': {
    nummer: 'Abonneren 5',
    uitzondering: 'Something that the service depends on fails after the sign-in.',
    actie: 'redirect',
    melding: {
      error: 'access_denied',
      error_description: 'Authorization failed.',
      error_uri: 'authorization_failed',
    },
    vervolg: 'The client tells the person.',
    text: null,
  },
  temporarily_unavailable: {
    nummer: null,
    uitzondering: 'The service is overloaded, or something it depends on is away before the sign-in.',
    actie: 'redirect',
    melding: { error: 'temporarily_unavailable', error_uri: 'temporarily_unavailable' },
    vervolg: 'The client tells the person, and may try again.',
    text: null,
  },
  server_error: {
    nummer: null,
    uitzondering: 'A fault of ours.',
    actie: 'redirect',
    melding: { error: 'server_error', error_uri: 'server_error' },
    vervolg: 'The client tells the person.',
    text: null,
  },
} as const satisfies Record<string, ExceptionRow>;

/** A row of the table by its published number, or by its name where it has none. */
export type ExceptionName = keyof typeof exceptions;

/** Thrown by name; the answer is what the table says. `sentence`: what exactly is wrong, for the developer of the client. */
export class AuthorizationException extends Error {
  constructor(
    readonly exception: ExceptionName,
    readonly sentence?: string,
  ) {
    super(exception);
    this.name = 'AuthorizationException';
  }
}
