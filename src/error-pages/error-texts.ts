import type { RefusalCode } from '../refusals';
import type { Words } from '../screens';
import type { OAuthError } from './oauth-errors';

/** What a person is told of an error: what it is, what it means, what can be done now. */
export interface ErrorText {
  title: Words;
  meaning: Words;
  advice: Words;
  /** Whether it may be a suspended permission, which its person can give again on the pages of one's own (domain.md 11). */
  mayBeSuspended?: true;
}

const askTheMaker: Words = {
  nl: 'Ga terug naar uw app en probeer het opnieuw. Lukt het weer niet? Neem dan contact op met de maker van de app en noem de code op deze pagina.',
  en: 'Go back to your app and try again. Does it fail again? Then contact the maker of the app and mention the code on this page.',
};
const tryLater: Words = {
  nl: 'Wacht een paar minuten en probeer het dan opnieuw. U hoeft verder niets te doen.',
  en: 'Wait a few minutes and try again. There is nothing else you have to do.',
};
const askAnew: Words = {
  nl: 'Ga terug naar uw app en vraag het abonnement opnieuw aan.',
  en: 'Go back to your app and ask for the subscription again.',
};
const askTheProvider: Words = {
  nl: 'Ga terug naar uw app. Wilt u weten waarom dit zo is? Vraag het dan aan uw zorgaanbieder.',
  en: 'Go back to your app. Would you like to know why? Then ask your care provider.',
};

const wrongMessage: ErrorText = {
  title: { nl: 'De app stuurde een verkeerd bericht', en: 'The app sent a wrong message' },
  meaning: {
    nl: 'De app heeft ons iets gevraagd op een manier die wij niet begrijpen. Er is niets veranderd.',
    en: 'The app asked us something in a way we do not understand. Nothing has changed.',
  },
  advice: askTheMaker,
};
const noAccess: ErrorText = {
  title: { nl: 'De app heeft geen toegang meer', en: 'The app no longer has access' },
  meaning: {
    nl: 'De toestemming van de app is verlopen, gestopt of tijdelijk stopgezet.',
    en: 'The permission of the app has expired, ended or been suspended.',
  },
  advice: {
    nl: 'Log in en kijk of uw toestemming tijdelijk is stopgezet. U kunt dan opnieuw toestemming geven. Is uw toestemming verlopen of gestopt? Vraag het abonnement dan opnieuw aan in uw app.',
    en: 'Sign in and look whether your permission is suspended. If so, you can give it again. Has it expired or ended? Then ask for the subscription again in your app.',
  },
  mayBeSuspended: true,
};
const notAllowed: ErrorText = {
  title: { nl: 'De app mag dit niet', en: 'The app is not allowed to do this' },
  meaning: {
    nl: 'Uw toestemming is niet bedoeld voor wat de app nu wil doen.',
    en: 'Your permission is not meant for what the app wants to do now.',
  },
  advice: askAnew,
};
const unknownApp: ErrorText = {
  title: { nl: 'Wij kennen deze app niet', en: 'We do not know this app' },
  meaning: {
    nl: 'De app staat niet op de lijst van MedMij. Wij mogen er niet mee werken.',
    en: 'The app is not on the list of MedMij. We may not work with it.',
  },
  advice: askTheMaker,
};
const suspendedApp: ErrorText = {
  title: { nl: 'Deze app is tijdelijk stopgezet', en: 'This app is suspended' },
  meaning: {
    nl: 'Wij werken nu even niet met deze app. Uw abonnementen blijven bestaan. Berichten worden later verstuurd.',
    en: 'We are not working with this app for the moment. Your subscriptions remain. Messages are sent later.',
  },
  advice: askTheMaker,
};
const usedBefore: ErrorText = {
  title: { nl: 'Dit is al eerder gevraagd', en: 'This was asked before' },
  meaning: {
    nl: 'Hetzelfde verzoek kwam eerder binnen, maar met een andere inhoud. Er is niets veranderd.',
    en: 'The same request came in before, with other content. Nothing has changed.',
  },
  advice: askTheMaker,
};
const notOffered: ErrorText = {
  title: { nl: 'Dit abonnement is er niet', en: 'This subscription is not offered' },
  meaning: {
    nl: 'U kunt zich via ons niet abonneren op deze gegevens bij deze zorgaanbieder.',
    en: 'You cannot subscribe to this data of this care provider through us.',
  },
  advice: askTheProvider,
};
const appNotPrepared: ErrorText = {
  title: { nl: 'De app kan deze gegevens niet ontvangen', en: 'The app cannot receive this data' },
  meaning: {
    nl: 'De app is bij MedMij niet aangemeld voor abonnementen op deze gegevens.',
    en: 'The app is not registered with MedMij for subscriptions to this data.',
  },
  advice: askTheMaker,
};
const wrongDate: ErrorText = {
  title: { nl: 'Deze einddatum kan niet', en: 'This end date is not possible' },
  meaning: {
    nl: 'De app koos een einddatum die niet past bij uw toestemming. Uw abonnement is niet veranderd.',
    en: 'The app chose an end date that does not fit your permission. Your subscription has not changed.',
  },
  advice: askAnew,
};
const away: ErrorText = {
  title: { nl: 'Er is even een storing', en: 'There is an outage for the moment' },
  meaning: {
    nl: 'Wij kunnen nu geen antwoord geven. Wat u eerder heeft gevraagd, blijft bewaard.',
    en: 'We cannot answer now. What you asked before is kept.',
  },
  advice: tryLater,
};
const ourFault: ErrorText = {
  title: { nl: 'Er ging iets mis bij ons', en: 'Something went wrong on our side' },
  meaning: {
    nl: 'Dit ligt niet aan u. Wij hebben een melding gekregen en zoeken het uit.',
    en: 'This is not your fault. We have been told and are looking into it.',
  },
  advice: tryLater,
};
const operatorsOnly: ErrorText = {
  title: { nl: 'Dit kan nu niet', en: 'This is not possible now' },
  meaning: {
    nl: 'Deze melding is voor onze beheerders. Er is niets veranderd.',
    en: 'This message is for our operators. Nothing has changed.',
  },
  advice: { nl: 'U hoeft niets te doen.', en: 'There is nothing you have to do.' },
};
const nothingHere: ErrorText = {
  title: { nl: 'Deze pagina bestaat niet', en: 'This page does not exist' },
  meaning: {
    nl: 'Op dit adres is niets te vinden. Misschien is het verkeerd overgenomen.',
    en: 'There is nothing at this address. It may have been copied wrongly.',
  },
  advice: {
    nl: 'Ga terug naar uw app. U mag dit venster sluiten.',
    en: 'Go back to your app. You may close this window.',
  },
};

/** One text for every code that an answer of ours can carry; a code without one does not compile. */
export const errorTexts: Record<RefusalCode | OAuthError, ErrorText> = {
  malformed_request: wrongMessage,
  invalid_request: wrongMessage,
  method_not_allowed: wrongMessage,
  payload_too_large: wrongMessage,
  unsupported_media_type: wrongMessage,
  unsupported_response_type: wrongMessage,
  unsupported_grant_type: wrongMessage,
  scope_invalid: wrongMessage,
  invalid_scope: wrongMessage,
  unauthenticated: noAccess,
  invalid_token: noAccess,
  forbidden: notAllowed,
  insufficient_scope: notAllowed,
  not_found: nothingHere,
  authorization_conflict: usedBefore,
  change_conflict: usedBefore,
  not_retryable: operatorsOnly,
  probe_failed: operatorsOnly,
  unknown_client: unknownApp,
  invalid_client: unknownApp,
  client_suspended: suspendedApp,
  unauthorized_client: suspendedApp,
  unknown_service: notOffered,
  unknown_provider: notOffered,
  service_not_offered: notOffered,
  subscriptions_not_offered: notOffered,
  service_not_listed_for_client: appNotPrepared,
  client_endpoints_missing: appNotPrepared,
  duration_above_maximum: {
    title: { nl: 'Deze periode is te lang', en: 'This period is too long' },
    meaning: {
      nl: 'De app vroeg een langere periode dan deze zorgaanbieder toestaat.',
      en: 'The app asked for a longer period than this care provider allows.',
    },
    advice: askTheMaker,
  },
  authorization_stale: {
    title: { nl: 'Deze toestemming is niet meer de laatste', en: 'This permission is no longer the latest' },
    meaning: {
      nl: 'Uw toestemming kwam te laat aan, of u heeft daarna iets anders gekozen. Uw laatste keuze geldt.',
      en: 'Your permission arrived too late, or you chose something else after it. Your latest choice counts.',
    },
    advice: askAnew,
  },
  not_subscribed: {
    title: { nl: 'Dit abonnement is gestopt', en: 'This subscription has ended' },
    meaning: {
      nl: 'Een abonnement dat is gestopt, kan niet meer worden veranderd.',
      en: 'A subscription that has ended cannot be changed any more.',
    },
    advice: askAnew,
  },
  end_date_beyond_grant: wrongDate,
  end_date_in_past: wrongDate,
  too_many_requests: {
    title: { nl: 'Het is te druk', en: 'There are too many requests' },
    meaning: {
      nl: 'De app stuurde in korte tijd te veel berichten.',
      en: 'The app sent too many messages in a short time.',
    },
    advice: tryLater,
  },
  unavailable: away,
  temporarily_unavailable: away,
  projection_behind: away,
  internal_error: ourFault,
  server_error: ourFault,
  access_denied: {
    // The same words whatever the cause was, for the app opens this page too (domain.md 3).
    title: { nl: 'De app kreeg geen toestemming', en: 'The app was not given permission' },
    meaning: {
      nl: 'Uw aanvraag ging niet door. Er is geen abonnement gestart, veranderd of gestopt. De app weet niet waarom.',
      en: 'Your request did not go through. No subscription was started, changed or ended. The app does not know why.',
    },
    advice: askAnew,
  },
  authorization_failed: {
    title: { nl: 'Toestemming geven is niet gelukt', en: 'Giving permission did not work' },
    meaning: {
      nl: 'U was ingelogd, maar daarna ging er iets mis. Er is geen abonnement gestart, veranderd of gestopt.',
      en: 'You had signed in, but then something went wrong. No subscription was started, changed or ended.',
    },
    advice: tryLater,
  },
  invalid_grant: {
    title: { nl: 'De app was te laat', en: 'The app was too late' },
    meaning: {
      nl: 'De app heeft uw toestemming te laat opgehaald, of al een keer gebruikt.',
      en: 'The app fetched your permission too late, or has used it already.',
    },
    advice: askAnew,
  },
};

/** On a page of ours these codes are about the browser, not about an app. */
export const pageTexts: Partial<Record<RefusalCode, ErrorText>> = {
  malformed_request: nothingHere,
  forbidden: {
    title: { nl: 'Deze pagina is niet meer geldig', en: 'This page is no longer valid' },
    meaning: {
      nl: 'De pagina stond te lang open, of uw browser bewaart geen cookies. Er is niets veranderd.',
      en: 'The page was open for too long, or your browser keeps no cookies. Nothing has changed.',
    },
    advice: {
      nl: 'Sta cookies toe voor deze website. Ga daarna terug en begin opnieuw.',
      en: 'Allow cookies for this website. Then go back and start again.',
    },
  },
};
