import {
  cards,
  facts,
  form,
  heading,
  type Html,
  html,
  type Page,
  paragraph,
  points,
  wayTo,
  type Words,
} from '../screens';
import type { OwnSubscription } from './own-subscriptions';

/** Where the pages are. */
export const paths = {
  list: '/my/subscriptions',
  one: (id: string) => `/my/subscriptions/${id}`,
  end: (id: string) => `/my/subscriptions/${id}/end`,
  reapprove: (id: string) => `/my/subscriptions/${id}/re-approve`,
  signIn: (to: string) => `/my/sign-in?to=${encodeURIComponent(to)}`,
  signOut: '/sign-out',
};

const mayClose: Words = { nl: 'U mag dit venster sluiten.', en: 'You may close this window.' };
const back: Words = { nl: 'Terug naar mijn abonnementen', en: 'Back to my subscriptions' };

const statusWords: Record<OwnSubscription['status'], Words> = {
  active: { nl: 'Loopt', en: 'Active' },
  suspended: { nl: 'Tijdelijk stopgezet', en: 'Suspended' },
  terminated: { nl: 'Gestopt', en: 'Ended' },
  expired: { nl: 'Afgelopen', en: 'Expired' },
};

const isRunning = ({ status }: OwnSubscription) => status === 'active' || status === 'suspended';
/** Of a suspended client an operator decides: the person's word changes nothing there (domain.md 11). */
export const canBeReapproved = ({ status, suspendedBy }: OwnSubscription) =>
  status === 'suspended' && suspendedBy !== 'client';

export function listPage(items: readonly OwnSubscription[], next: string | undefined, signOutToken: string): Page {
  const title: Words = { nl: 'Mijn abonnementen', en: 'My subscriptions' };
  return {
    title,
    body: [
      heading(title),
      items.length === 0
        ? paragraph({ nl: 'U heeft geen abonnementen.', en: 'You have no subscriptions.' })
        : cards(
            items.map((item) => [
              html`<h2>${item.organisation}</h2>`,
              facts(particulars(item)),
              wayTo(paths.one(item.id), { nl: 'Bekijken', en: 'View' }, 'second'),
            ]),
          ),
      ...(next === undefined
        ? []
        : [wayTo(`${paths.list}?after=${next}`, { nl: 'Oudere abonnementen', en: 'Older subscriptions' }, 'second')]),
      signOut(signOutToken),
    ],
  };
}

/** One subscription, also after it was ended or given permission again: what stands on it is how it is now. */
export function subscriptionPage(item: OwnSubscription, signOutToken: string): Page {
  const title = titleWords[item.status];
  return {
    title,
    body: [
      heading(title),
      factsOf(item),
      ...explanation(item),
      ...(canBeReapproved(item)
        ? [wayTo(paths.reapprove(item.id), { nl: 'Opnieuw toestemming geven', en: 'Give permission again' })]
        : []),
      ...(isRunning(item)
        ? [wayTo(paths.end(item.id), { nl: 'Abonnement stoppen', en: 'End the subscription' }, 'second')]
        : []),
      wayTo(paths.list, back, 'second'),
      signOut(signOutToken),
      paragraph(mayClose),
    ],
  };
}

const titleWords: Record<OwnSubscription['status'], Words> = {
  active: { nl: 'Dit abonnement loopt', en: 'This subscription is active' },
  suspended: { nl: 'Dit abonnement is tijdelijk stopgezet', en: 'This subscription is suspended' },
  terminated: { nl: 'Dit abonnement is gestopt', en: 'This subscription has ended' },
  expired: { nl: 'Dit abonnement is afgelopen', en: 'This subscription has expired' },
};

function explanation(item: OwnSubscription): Html[] {
  if (item.status !== 'suspended') return [];
  if (canBeReapproved(item)) {
    return [
      paragraph({
        nl: 'De app krijgt nu geen berichten. Geeft u opnieuw toestemming? Dan krijgt de app weer berichten, ook die van de tussentijd.',
        en: 'The app gets no messages now. If you give permission again, the app gets messages again, those of the meantime too.',
      }),
    ];
  }
  return [
    paragraph({
      nl: 'Wij werken nu even niet met deze app. U hoeft niets te doen. Berichten worden later verstuurd.',
      en: 'We are not working with this app for the moment. There is nothing you have to do. Messages are sent later.',
    }),
  ];
}

/** The termination statement, on a screen of its own (domain.md 10). */
export function endPage(item: OwnSubscription, token: string): Page {
  const title: Words = { nl: 'Wilt u dit abonnement stoppen?', en: 'Do you want to end this subscription?' };
  return {
    title,
    body: [
      heading(title),
      factsOf(item),
      points([
        {
          nl: 'De app krijgt geen bericht meer als er nieuwe gegevens voor u zijn.',
          en: 'The app is no longer told when there is new data for you.',
        },
        {
          nl: 'De app hoort van ons dat het abonnement is gestopt.',
          en: 'We tell the app that the subscription has ended.',
        },
        {
          nl: 'Een gestopt abonnement kunt u niet weer aanzetten. U kunt in uw app wel een nieuw abonnement aanvragen.',
          en: 'You cannot switch an ended subscription on again. You can ask for a new one in your app.',
        },
      ]),
      form({
        action: paths.end(item.id),
        token,
        buttons: [{ label: { nl: 'Ja, stoppen', en: 'Yes, end it' }, look: 'danger' }],
      }),
      wayTo(paths.one(item.id), { nl: 'Nee, niet stoppen', en: 'No, do not end it' }, 'second'),
    ],
  };
}

/** What the person agrees to again. */
export function reapprovePage(item: OwnSubscription, token: string): Page {
  const title: Words = { nl: 'Geeft u opnieuw toestemming?', en: 'Do you give permission again?' };
  return {
    title,
    body: [
      heading(title),
      factsOf(item),
      points([
        {
          nl: 'De app krijgt weer een bericht als er nieuwe gegevens voor u zijn.',
          en: 'The app is told again when there is new data for you.',
        },
        {
          nl: 'In het bericht zelf staan geen gegevens over uw gezondheid.',
          en: 'The message itself holds no data about your health.',
        },
        { nl: 'De einddatum blijft zoals die was.', en: 'The end date stays as it was.' },
      ]),
      form({
        action: paths.reapprove(item.id),
        token,
        buttons: [{ label: { nl: 'Ja, ik geef toestemming', en: 'Yes, I give permission' } }],
      }),
      wayTo(paths.one(item.id), { nl: 'Nee, terug', en: 'No, go back' }, 'second'),
    ],
  };
}

/** For whoever is not signed in, or not any more: afterwards the browser is where it was. */
export function signInPage(to: string, why: 'none' | 'failed' | 'outage'): Page {
  const title: Words = { nl: 'Log in om verder te gaan', en: 'Sign in to go on' };
  return {
    status: why === 'outage' ? 503 : 200,
    title,
    body: [heading(title), paragraph(signInWords[why]), wayTo(paths.signIn(to), { nl: 'Inloggen', en: 'Sign in' })],
  };
}

const signInWords: Record<'none' | 'failed' | 'outage', Words> = {
  none: {
    nl: 'U bent niet of niet meer ingelogd. Na het inloggen ziet u uw abonnementen. U kunt ze daar stoppen.',
    en: 'You are not signed in, or no longer. After signing in you see your subscriptions. You can end them there.',
  },
  failed: {
    nl: 'Wij weten niet wie u bent, want het inloggen is niet gelukt. Probeer het opnieuw.',
    en: 'We do not know who you are, for signing in did not work. Please try again.',
  },
  outage: {
    nl: 'Het inloggen lukt nu niet door een storing. Probeer het over een paar minuten opnieuw.',
    en: 'Signing in does not work now because of an outage. Please try again in a few minutes.',
  },
};

function factsOf(item: OwnSubscription): Html {
  return facts([{ term: { nl: 'App', en: 'App' }, value: item.organisation }, ...particulars(item)]);
}

function particulars(item: OwnSubscription): Parameters<typeof facts>[0] {
  return [
    { term: { nl: 'Zorgaanbieder', en: 'Care provider' }, value: item.provider },
    { term: { nl: 'Gegevens', en: 'Data' }, value: item.service },
    {
      term: isRunning(item) ? { nl: 'Loopt tot', en: 'Until' } : { nl: 'Gestopt op', en: 'Ended on' },
      value: day(item.endDate),
    },
    { term: { nl: 'Stand', en: 'Status' }, value: statusWords[item.status] },
  ];
}

const days = (locale: string) => new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'UTC' });
const [dutchDays, englishDays] = [days('nl-NL'), days('en-GB')];

function day(date: string): Words {
  const moment = new Date(`${date}T00:00:00Z`);
  return { nl: dutchDays.format(moment), en: englishDays.format(moment) };
}

function signOut(token: string): Html {
  const label: Words = { nl: 'Uitloggen', en: 'Sign out' };
  return form({ action: paths.signOut, token, buttons: [{ label, look: 'second' }] });
}
