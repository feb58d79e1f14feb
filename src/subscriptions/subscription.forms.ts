import { type Fact, type FactForms, type StoredEvent, upcastBy } from '../event-store';
import { eventDataSchemas } from './subscription.event-schemas';
import type { SubscriptionEvent } from './subscription.events';

/** What the log may hold of subscriptions. Every type there has been is still the present one. */
export const subscriptionForms: FactForms = { types: Object.keys(eventDataSchemas), upcasters: {} };

/** For readers of subscription streams alone. */
export const upcast = upcastBy(subscriptionForms);

/** The log holds the events of others too. Asked of an event in its newest form. */
export function isSubscriptionEvent(event: StoredEvent<Fact>): event is StoredEvent<SubscriptionEvent> {
  return Object.hasOwn(eventDataSchemas, event.type);
}
