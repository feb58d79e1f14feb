import type { StoredEvent } from '../event-store';
import type { EndReason, SubscriptionEvent, SubscriptionStatus, Suspender, SuspensionCause } from '../subscriptions';

/** One subscription as operators see it (contract.md 4). */
export interface SubscriptionView {
  subscription_id: string;
  stream_id: string;
  client_id: string;
  provider: string;
  service_id: string;
  person_id: string;
  status: SubscriptionStatus;
  end_date: string;
  interface_version: string;
  /** The version of its stream after the last event about it. */
  version: number;
  started_at: Date;
  updated_at: Date;
  end_reason: EndReason | 'expired' | null;
  /** `client` as it is read, while the whole client is suspended; no row says so. */
  suspended_by: Suspender | 'client' | null;
}

/** Folds one event into the view. An event the view has seen already changes nothing. */
export function project(view: SubscriptionView | undefined, event: StoredEvent<SubscriptionEvent>): SubscriptionView {
  if (view && event.version <= view.version) return view;
  const { subscription_id, client_id, provider, service_id, person_id, end_date, interface_version } = event.data;
  return {
    subscription_id,
    stream_id: event.stream_id,
    client_id,
    provider,
    service_id,
    person_id,
    end_date,
    interface_version,
    version: event.version,
    started_at: view?.started_at ?? event.occurred_at,
    updated_at: event.occurred_at,
    ...standing(view, event),
  };
}

function standing(
  view: SubscriptionView | undefined,
  event: StoredEvent<SubscriptionEvent>,
): Pick<SubscriptionView, 'status' | 'end_reason' | 'suspended_by'> {
  switch (event.type) {
    case 'nl.medmij.subscription.started.v1':
    case 'nl.medmij.subscription.resumed.v1':
      return { status: 'active', end_reason: null, suspended_by: null };
    case 'nl.medmij.subscription.adjusted.v1':
      return { status: view?.status ?? 'active', end_reason: null, suspended_by: view?.suspended_by ?? null };
    case 'nl.medmij.subscription.suspended.v1':
      return { status: 'suspended', end_reason: null, suspended_by: suspenderOf(event.data.reason) };
    case 'nl.medmij.subscription.terminated.v1':
      return { status: 'terminated', end_reason: event.data.reason, suspended_by: null };
    case 'nl.medmij.subscription.expired.v1':
      return { status: 'expired', end_reason: 'expired', suspended_by: null };
  }
}

/** Who withdraws a service is its provider. */
function suspenderOf(cause: SuspensionCause): Suspender {
  return cause === 'service_withdrawn' ? 'provider' : cause;
}
