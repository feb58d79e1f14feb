import { ask, check } from './asking.js';
import { byId, daysUntil, element, inWords } from './elements.js';

const cards = new Map();

const statusTexts = { active: 'Active', suspended: 'Suspended', terminated: 'Ended', expired: 'Ended' };
const isOver = ({ status }) => status === 'terminated' || status === 'expired';

/** One subscription. It stays the same element when its subscription changes, so that the keyboard stays where it is. */
class SubscriptionCard {
  #subscription;
  #status = element('span', { className: 'status' });
  #period = element('p', { className: 'period' });
  #actions;

  constructor(subscription, serviceName) {
    this.#subscription = subscription;
    const { subscription_id: id, provider } = subscription;
    const title = element('h3', { id: `subscription-${id}`, textContent: serviceName });
    this.#actions = this.#makeActions(id);
    this.element = element(
      'li',
      { className: 'subscription' },
      element('div', { className: 'subscription-head' }, title, this.#status),
      element('p', { className: 'hint', textContent: `at ${provider}` }),
      this.#period,
      this.#actions,
      element('p', { className: 'id', textContent: id }),
    );
    this.element.setAttribute('aria-labelledby', title.id);
    this.update(subscription);
  }

  update(subscription) {
    this.#subscription = subscription;
    const { status, end_date: endDate } = subscription;
    this.#status.textContent = statusTexts[status];
    this.#status.dataset.status = status;
    this.#period.textContent = `${isOver(subscription) ? 'Ended on' : 'Until'} ${inWords(endDate)}`;
    this.#actions.hidden = isOver(subscription);
  }

  #makeActions(id) {
    const days = element('input', { type: 'number', id: `days-${id}`, min: '1', max: '99999', required: true });
    days.inputMode = 'numeric';
    days.value = String(daysUntil(this.#subscription.end_date));
    const label = element('label', { htmlFor: days.id, textContent: 'Days from today' });
    const form = element(
      'form',
      { className: 'change' },
      label,
      days,
      element('button', { className: 'second' }, 'Change'),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void ask({ ...this.#subscription, kind: 'change', days: Number(days.value) });
    });
    const button = (textContent, className, onclick) =>
      element('button', { type: 'button', textContent, className, onclick });
    return element(
      'div',
      { className: 'actions' },
      form,
      button('Check', 'second', () => void check(this.#subscription)),
      button('End', 'danger', () => void ask({ ...this.#subscription, kind: 'end' })),
    );
  }
}

/** Newest first. */
export function showSubscriptions(subscriptions, nameOf) {
  for (const subscription of subscriptions) {
    const id = subscription.subscription_id;
    const known = cards.get(id);
    if (known) known.update(subscription);
    else cards.set(id, new SubscriptionCard(subscription, nameOf(subscription.service_id)));
  }
  const wanted = subscriptions.map(({ subscription_id: id }) => cards.get(id).element);
  const shown = [...byId('subscriptions').children];
  // Moving an element takes the focus from it; most of the time everything stands where it should.
  if (wanted.some((card, index) => card !== shown[index])) byId('subscriptions').replaceChildren(...wanted);
  byId('no-subscriptions').hidden = subscriptions.length > 0;
}
