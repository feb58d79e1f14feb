import * as api from './api.js';
import { AuthorizationWindow } from './authorization-window.js';
import { choose } from './choice-dialog.js';
import { daysUntil } from './elements.js';
import * as questions from './questions.js';
import { announce, showWaiting } from './waiting-banner.js';

const done = {
  start: 'The subscription has begun.',
  change: 'The subscription has changed.',
  end: 'The subscription has ended.',
  check: 'The provider has answered how it stands.',
};

/** The window that waits for an answer; there is one at a time, so that nobody answers in one that was forgotten. */
let open;

/** Asks the person in a window for what is wished, and goes on until it is done or the person stops. To be called by a click. */
export async function ask(wish) {
  if (open) return open.show();
  const authorizationWindow = AuthorizationWindow.open();
  if (!authorizationWindow) {
    if ((await choose(questions.windowBlocked(wish.kind))) === 'retry') await ask(wish);
    return;
  }
  const id = await begin(wish, authorizationWindow);
  open = authorizationWindow;
  showWaiting(authorizationWindow);
  await authorizationWindow.end(id);
  open = undefined;
  announce('');
  const outcome = await api.outcomeOf(id);
  if (outcome.at === 'window') return unanswered(wish, id, authorizationWindow);
  await settle(outcome, { kind: wish.kind, anew: anewOf(wish), retry: () => api.retry(id) });
}

/** Asks the provider how a subscription stands. */
export async function check(subscription) {
  const { subscription_id: id, provider, service_id, end_date } = subscription;
  const anew = { kind: 'start', provider, service_id, days: daysUntil(end_date) };
  await settle(await api.check(id), { kind: 'check', anew, retry: () => api.check(id) });
}

export async function logOut() {
  await api.logOut();
  location.reload();
}

async function begin(wish, authorizationWindow) {
  try {
    const { id, address } = await api.begin(wishSent(wish));
    authorizationWindow.goTo(address);
    return id;
  } catch (error) {
    authorizationWindow.close();
    throw error;
  }
}

async function unanswered(wish, id, authorizationWindow) {
  // An answer that still comes is not used: the person has been told that there was none.
  await api.giveUp(id);
  authorizationWindow.close();
  if ((await choose(questions.windowClosed(wish.kind))) === 'retry') await ask(wish);
}

async function settle(outcome, { kind, anew, retry }) {
  document.dispatchEvent(new Event('subscriptions-changed'));
  if (outcome.at !== 'failed') return announce(done[kind]);
  const choice = await choose(questions.failed(outcome.failure));
  if (choice === 'retry') await settle(await retry(), { kind, anew, retry });
  else if (choice === 'anew') await ask(anew);
  else if (choice === 'log_out') await logOut();
}

/** A change is asked anew as a start: that changes what there is, and begins anew what has ended meanwhile. */
function anewOf(wish) {
  return wish.kind === 'change' ? { ...wish, kind: 'start' } : wish;
}

/** Of a subscription that there is, the server knows what it is about. */
function wishSent({ kind, provider, service_id, days, subscription_id }) {
  if (kind === 'start') return { kind, provider, service_id, days };
  return kind === 'change' ? { kind, subscription_id, days } : { kind, subscription_id };
}
