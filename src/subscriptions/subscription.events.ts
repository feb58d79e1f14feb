import type { CalendarDate } from './end-date';

/** Whose subscription it is, with whom and on what: the same in every event of a stream. */
export interface Party {
  client_id: string;
  provider: string;
  service_id: string;
  /** Random; only the identity table knows who it is. */
  person_id: string;
}

/** Why a subscription ended (domain.md 8). */
export type EndReason =
  'person' | 'provider' | 'operator' | 'client_endpoint' | 'client_delisted' | 'service_withdrawn' | 'erased';

/** Who may suspend one subscription; a whole client is suspended by an event of its own (room `clients`). */
export type Suspender = 'provider' | 'operator';

/** Whoever may suspend may resume; the person re-approves (domain.md 11). */
export type Resumer = Suspender | 'person';

/** Why one subscription rests: who suspended it, or that its service is withdrawn, from which it comes back by itself (domain.md 8). */
export type SuspensionCause = Suspender | 'service_withdrawn';

/** Why it goes on: who resumed it, or that its service is offered again. */
export type ResumptionCause = Resumer | 'service_offered';

/** What every event says, in the names that go out on Kafka (contract.md 5). */
interface SubscriptionData extends Party {
  subscription_id: string;
  end_date: CalendarDate;
  interface_version: string;
  /** Present where an authorized request caused the event, together with its moment (RFC 3339, UTC). */
  authorization_id?: string;
  authorized_at?: string;
}

export type SubscriptionEvent =
  | { type: 'nl.medmij.subscription.started.v1'; data: SubscriptionData }
  | { type: 'nl.medmij.subscription.adjusted.v1'; data: SubscriptionData & { previous_end_date: CalendarDate } }
  | {
      type: 'nl.medmij.subscription.terminated.v1';
      data: SubscriptionData & { previous_end_date: CalendarDate; reason: EndReason };
    }
  | { type: 'nl.medmij.subscription.expired.v1'; data: SubscriptionData & { reason: 'expired' } }
  | { type: 'nl.medmij.subscription.suspended.v1'; data: SubscriptionData & { reason: SuspensionCause } }
  | { type: 'nl.medmij.subscription.resumed.v1'; data: SubscriptionData & { reason: ResumptionCause } };

export type SubscriptionStatus = 'active' | 'suspended' | 'terminated' | 'expired';
