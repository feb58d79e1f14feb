import * as api from './api.js';
import { byId, element, inWords, today } from './elements.js';

const shownMax = 1000;
const counts = { subscription: 0, resource: 0 };

/** An end date that is not in the future says that the subscription has ended. */
function textOf({ notification_type: type, end_date: endDate }) {
  if (type === 'resource') return 'There is new data about you.';
  return endDate <= today()
    ? `The subscription ended on ${inWords(endDate)}.`
    : `The subscription runs until ${inWords(endDate)}.`;
}

const typeNames = { subscription: 'Subscription', resource: 'New data' };

function item(notification) {
  const {
    notification_type: type,
    received_at: receivedAt,
    subscription_id,
    request_id,
    correlation_id,
  } = notification;
  const fact = (name, value) =>
    element('div', {}, element('dt', { textContent: name }), element('dd', { textContent: value ?? '' }));
  return element(
    'li',
    {},
    element(
      'p',
      { className: 'notification-head' },
      element('span', { className: `type ${type}`, textContent: typeNames[type] }),
      element('time', { dateTime: receivedAt, textContent: new Date(receivedAt).toLocaleTimeString('nl-NL') }),
    ),
    element('p', { textContent: textOf(notification) }),
    element(
      'details',
      {},
      element('summary', { textContent: 'Ids' }),
      element(
        'dl',
        { className: 'ids' },
        fact('Subscription', subscription_id),
        fact('MedMij-Request-ID', request_id),
        fact('X-Correlation-ID', correlation_id),
      ),
    ),
  );
}

function showAll(notifications) {
  counts.subscription = notifications.filter(({ notification_type: type }) => type === 'subscription').length;
  counts.resource = notifications.length - counts.subscription;
  byId('notifications').replaceChildren(...notifications.map(item));
  showCounts();
}

function add(notification) {
  counts[notification.notification_type] += 1;
  const added = item(notification);
  added.className = 'new';
  byId('notifications').prepend(added);
  while (byId('notifications').children.length > shownMax) byId('notifications').lastElementChild.remove();
  byId('arrived').textContent = `New notification: ${textOf(notification)}`;
  showCounts();
}

function showCounts() {
  for (const [type, count] of Object.entries(counts)) byId(`count-${type}`).textContent = String(count);
  byId('no-notifications').hidden = counts.subscription + counts.resource > 0;
}

/** Shows what has arrived and what arrives; calls `arrived` after each. */
export function followNotifications(arrived) {
  const stream = new EventSource('/stream');
  // Also after a lost connection: what arrived in between is in the list only.
  stream.addEventListener('open', async () => {
    showAll((await api.notifications()).items);
    byId('connection').textContent = 'Live: new ones appear by themselves.';
    arrived();
  });
  stream.addEventListener('message', ({ data }) => {
    add(JSON.parse(data));
    arrived();
  });
  stream.addEventListener('error', () => {
    byId('connection').textContent = 'The sample client does not answer; trying again …';
  });
}
