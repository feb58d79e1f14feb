import type { StoredEvent } from '../event-store';
import type { SubscriptionEvent } from '../subscriptions';

/** A notification to send, before anything about its sending is known. */
export interface PlannedNotification {
  delivery_id: string;
  subscription_id: string;
  sequence: number;
  client_id: string;
  service_id: string;
  interface_version: string;
  notification_type: 'subscription';
  end_date: string;
  correlation_id: string;
}

/** What one event means for the client. `starts`: the client learns the subscription's id about now. */
export type Plan =
  | { kind: 'notify'; notification: PlannedNotification; starts: boolean; occurredAt: Date }
  | { kind: 'silence'; subscriptionId: string }
  | { kind: 'nothing' };

/** Every start, adjustment and ending is told (domain.md 6, decided); a client that says it does not know the id, no more. */
export function plan(event: StoredEvent<SubscriptionEvent>): Plan {
  switch (event.type) {
    case 'nl.medmij.subscription.started.v1':
      return notify(event, true);
    case 'nl.medmij.subscription.adjusted.v1':
    case 'nl.medmij.subscription.expired.v1':
      return notify(event, false);
    case 'nl.medmij.subscription.terminated.v1':
      return event.data.reason === 'client_endpoint'
        ? { kind: 'silence', subscriptionId: event.data.subscription_id }
        : notify(event, false);
    case 'nl.medmij.subscription.suspended.v1':
    case 'nl.medmij.subscription.resumed.v1':
      return { kind: 'nothing' };
  }
}

function notify(event: StoredEvent<SubscriptionEvent>, starts: boolean): Plan {
  const { subscription_id, client_id, service_id, interface_version, end_date } = event.data;
  return {
    kind: 'notify',
    starts,
    occurredAt: event.occurred_at,
    notification: {
      delivery_id: event.event_id,
      subscription_id,
      sequence: event.version,
      client_id,
      service_id,
      interface_version,
      notification_type: 'subscription',
      end_date,
      correlation_id: event.metadata.correlation_id,
    },
  };
}
