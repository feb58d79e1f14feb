/** Where a delivery stands: the first three are unfinished. */
export const deliveryStates = ['pending', 'sending', 'parked', 'delivered', 'dead', 'dropped'] as const;
export type DeliveryState = (typeof deliveryStates)[number];
export type NotificationType = 'subscription' | 'resource';
/** What became of one try. */
export const attemptOutcomes = ['retry', 'delivered', 'dead', 'dropped'] as const;
export type AttemptOutcome = (typeof attemptOutcomes)[number];

/** A notification somebody has claimed: what to send, and the fence under which its outcome counts. */
export interface ClaimedDelivery {
  delivery_id: string;
  /** Whose breaker and whose share of the slots it goes by. */
  endpoint_id: number;
  subscription_id: string;
  client_id: string;
  service_id: string;
  interface_version: string;
  /** Null in rows that are older than these columns. */
  provider: string | null;
  person_id: string | null;
  notification_type: NotificationType;
  end_date: string | null;
  correlation_id: string;
  /** Where traces are kept: that of the request which caused it. */
  traceparent?: string;
  /** Tries before this one. */
  attempts: number;
  /** What its schedule counts from. */
  first_due_at: Date;
  created_at: Date;
  deadline_at: Date;
  fence: string;
  /** It was claimed to find out whether its endpoint is well again. */
  is_probe: boolean;
  subscription_ended: boolean;
  started_at: Date | null;
  confirmed_at: Date | null;
}

/** A delivery as operators see it (contract.md 4). */
export interface DeliveryView {
  delivery_id: string;
  subscription_id: string;
  client_id: string;
  notification_type: NotificationType;
  end_date: string | null;
  state: DeliveryState;
  attempts: number;
  due_at: Date;
  created_at: Date;
  last_attempt_at: Date | null;
  last_status: number | null;
  last_error: string | null;
  deadline_at: Date;
}

/** One try, or an ending that needed none, as operators see it; `retry`: it went on. */
export interface AttemptView {
  /** Tries that counted so far, this one included. */
  attempt: number;
  /** When it was last tried; null when it never was. */
  at: Date | null;
  recorded_at: Date;
  status: number | null;
  error: string | null;
  /** Null for an ending without a try. */
  duration_ms: number | null;
  outcome: AttemptOutcome;
}

export interface AttemptRecord {
  at: Date;
  status: number | null;
  error: string | null;
  durationMs: number;
}

/** What becomes of a claimed delivery: it ends, or it waits again. What was not sent, or turned away unread, counts as no try. */
export type Completion = { attempt: AttemptRecord; isCounted: boolean } & (
  { state: 'delivered' | 'dead' | 'dropped' } | { state: 'pending'; dueAt: Date }
);

/** A resource notification to send (domain.md 7). */
export interface PlannedResource {
  subscription_id: string;
  /** Version of the subscription's stream as seen by who plans it: it goes out after everything up to there. */
  sequence: number;
  client_id: string;
  provider: string;
  service_id: string;
  interface_version: string;
  person_id: string;
  correlation_id: string;
  traceparent?: string;
  deadline_at: Date;
}

/** Asked before each resource notification; false: it must not be sent. */
export abstract class BeforeSending {
  /** @throws an outage, after which it is asked again without a try being counted. */
  abstract mayTell(delivery: ClaimedDelivery): Promise<boolean>;
}
