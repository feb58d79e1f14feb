import { isClientEvent } from '../clients';
import { type Fact, type LogAccess, LogFollower, type StoredEvent } from '../event-store';
import type { Clock, Signal } from '../platform';
import { isSubscriptionEvent } from '../subscriptions';
import type { DeliveryStore } from './delivery.store';
import { type Plan, plan } from './notification.planner';

/** Events planned in one transaction. */
const pageSize = 500;

/** The reader of the log that turns events into notifications to send, in one transaction with its checkpoint. */
export function createPlanner(
  access: LogAccess,
  store: DeliveryStore,
  clock: Clock,
  planned: Signal,
): LogFollower<Fact> {
  return new LogFollower(access, {
    name: 'planner',
    pageSize,
    apply: (page, queries) => store.enqueue(page.flatMap(plansOf), clock.now(), queries),
    after: () => planned.raise(),
  });
}

function plansOf(event: StoredEvent<Fact>): Plan[] {
  return isSubscriptionEvent(event) || isClientEvent(event) ? [plan(event)] : [];
}
