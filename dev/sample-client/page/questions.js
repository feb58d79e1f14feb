/** What the person is asked when something did not go as wished, and what each answer means. */

const wording = {
  start: { act: 'The subscription has not begun.', cancel: 'The subscription does not begin.' },
  change: { act: 'The subscription has not changed.', cancel: 'The subscription stays as it is.' },
  end: {
    act: 'If you had said yes before, the subscription has ended; otherwise it goes on.',
    cancel:
      'The subscription goes on, unless you had already said yes. Then it has ended, and the provider tells this app.',
  },
};

export const windowClosed = (kind) => ({
  title: 'The window was closed',
  text: `The provider did not get an answer from you. ${wording[kind].act}`,
  options: [
    { name: 'retry', label: 'Try again', meaning: 'A new window opens and you are asked again from the beginning.' },
    { name: 'cancel', label: 'Cancel', meaning: `${wording[kind].cancel} You can ask again at any time.` },
  ],
  otherwise: 'cancel',
});

export const windowBlocked = (kind) => ({
  title: 'The window did not open',
  text: 'Your browser did not let this page open a window. Allow pop-up windows for this page, then try again.',
  options: [
    { name: 'retry', label: 'Try again', meaning: 'The window opens, and the provider asks you in it.' },
    { name: 'cancel', label: 'Cancel', meaning: `${wording[kind].cancel} You can ask again at any time.` },
  ],
  otherwise: 'cancel',
});

const options = {
  retry: {
    label: 'Try again',
    meaning: 'Sends the same request to the provider once more, without asking you anything.',
  },
  anew: { label: 'Ask me anew', meaning: 'Opens a new window in which you sign in and are asked again.' },
  stop: { label: 'Stop', meaning: 'Nothing more is tried. What you already have stays as it is.' },
  log_out: {
    label: 'Stop and log out',
    meaning:
      'This app forgets you in this browser. Subscriptions go on; you can end them under “Manage subscriptions”.',
  },
};

/** Where the words of the error are for developers. */
const plainTexts = {
  invalid_token:
    'The provider does not accept the permission that this app holds. It lasts for 15 minutes; it may also have been suspended or ended.',
};

export const failed = ({ code, detail, more_information: more, repeatable }) => ({
  title: code === 'access_denied' ? 'The request did not go on' : 'That did not work',
  text: `${plainTexts[code] ?? detail} (${code})`,
  more,
  options: (repeatable ? ['retry', 'anew', 'stop', 'log_out'] : ['anew', 'stop', 'log_out']).map((name) => ({
    name,
    ...options[name],
  })),
  otherwise: 'stop',
});
