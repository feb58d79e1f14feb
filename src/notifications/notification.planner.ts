import type { ClientEvent } from '../clients';
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
  provider: string;
  person_id: string;
  notification_type: 'subscription';
  end_date: string;
  correlation_id: string;
  traceparent?: string;
}

/** What one event means for what is told. `sequence`: the event's version in its stream. */
export type Plan =
  | {
      kind: 'notify';
      subscriptionId: string;
      sequence: number;
      notification: PlannedNotification;
      /** The client learns the subscription's id about now. */
      starts: boolean;
      ends: boolean;
      occurredAt: Date;
    }
  /** Nothing more is said about it. */
  | { kind: 'silence'; subscriptionId: string; sequence: number }
  /** Its resource notifications wait, or go on. */
  | { kind: 'suspend' | 'resume'; subscriptionId: string; sequence: number }
  /** Everything to this client waits, or goes on. */
  | { kind: 'park' | 'release'; clientId: string; occurredAt: Date };

/** Every start, adjustment and ending is told (domain.md 6, decided); a client that says it does not know the id, no more. */
export function plan(event: StoredEvent<SubscriptionEvent> | StoredEvent<ClientEvent>): Plan {
  switch (event.type) {
    case 'nl.medmij.subscription.started.v1':
      return notify(event, { starts: true, ends: false });
    case 'nl.medmij.subscription.adjusted.v1':
      return notify(event, { starts: false, ends: false });
    case 'nl.medmij.subscription.expired.v1':
      return notify(event, { starts: false, ends: true });
    case 'nl.medmij.subscription.terminated.v1':
      return event.data.reason === 'client_endpoint'
        ? { kind: 'silence', ...subjectOf(event) }
        : notify(event, { starts: false, ends: true });
    case 'nl.medmij.subscription.suspended.v1':
      return { kind: 'suspend', ...subjectOf(event) };
    case 'nl.medmij.subscription.resumed.v1':
      return { kind: 'resume', ...subjectOf(event) };
    case 'nl.medmij.client.suspended.v1':
      return { kind: 'park', clientId: event.data.client_id, occurredAt: event.occurred_at };
    case 'nl.medmij.client.resumed.v1':
      return { kind: 'release', clientId: event.data.client_id, occurredAt: event.occurred_at };
  }
}

function subjectOf({ data, version }: StoredEvent<SubscriptionEvent>): { subscriptionId: string; sequence: number } {
  return { subscriptionId: data.subscription_id, sequence: version };
}

function notify(event: StoredEvent<SubscriptionEvent>, turn: { starts: boolean; ends: boolean }): Plan {
  const { subscription_id, client_id, service_id, interface_version, provider, person_id, end_date } = event.data;
  return {
    kind: 'notify',
    ...subjectOf(event),
    ...turn,
    occurredAt: event.occurred_at,
    notification: {
      delivery_id: event.event_id,
      subscription_id,
      sequence: event.version,
      client_id,
      service_id,
      interface_version,
      provider,
      person_id,
      notification_type: 'subscription',
      end_date,
      correlation_id: event.metadata.correlation_id,
      ...(event.metadata.traceparent !== undefined && { traceparent: event.metadata.traceparent }),
    },
  };
}
