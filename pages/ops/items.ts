/** The items of the ops API (contract.md 4) as the page uses them. */

export interface Subscription {
  subscription_id: string;
  client_id: string;
  provider: string;
  service_id: string;
  person_id: string;
  status: string;
  end_date: string;
  interface_version: string;
  version: number;
  started_at: string;
  updated_at: string;
  end_reason: string | null;
  suspended_by: string | null;
}

export interface HistoryEvent {
  event_id: string;
  type: string;
  version: number;
  occurred_at: string;
  correlation_id: string;
  data: Record<string, unknown>;
}

export interface Delivery {
  delivery_id: string;
  subscription_id: string;
  client_id: string;
  notification_type: string;
  end_date: string | null;
  state: string;
  attempts: number;
  due_at: string;
  created_at: string;
  last_attempt_at: string | null;
  last_status: number | null;
  last_error: string | null;
  deadline_at: string;
}

export interface Attempt {
  attempt: number;
  at: string | null;
  recorded_at: string;
  status: number | null;
  error: string | null;
  duration_ms: number | null;
  outcome: string;
}

export interface Interaction {
  interaction_id: string;
  client_id: string;
  provider: string;
  service_id: string;
  days: number;
  state: string;
  exception: string | null;
  correlation_id: string;
  created_at: string;
  expires_at: string;
  ended_at: string | null;
  left_at: string | null;
}

export interface Client {
  client_id: string;
  organisation_name: string | null;
  status: string;
  suspended_at: string | null;
  suspended_reason: string | null;
  whitelisted: boolean;
  breaker: string;
  active_subscriptions: number;
  oldest_undelivered_at: string | null;
  endpoints: { service_id: string; interface_version: string; subscription: string | null; resource: string | null }[];
}

export interface Endpoint {
  service_id: string;
  interface_version: string;
  notification_type: string;
  breaker: string;
  failures: number;
  failing_since: string | null;
}

export interface DeadLetter {
  dead_letter_id: string;
  topic: string;
  partition: number;
  offset: string;
  reason: string;
  detail: string;
  created_at: string;
  replayed_at: string | null;
}

export interface ParkedStream {
  id: string;
  reader: string;
  stream_id: string;
  subscription_id: string | null;
  version: number;
  error: string;
  tries: number;
  parked_at: string;
  replay_asked_at: string | null;
}

export interface MedmijList {
  name: string;
  sequence: number | null;
  published_at: string | null;
  fetched_at: string | null;
  age_s: number | null;
  stale: boolean;
  last_refusal: { at: string; line: number | null; reason: string } | null;
}

export interface Projection {
  name: string;
  version: number;
  lag_events: number;
  lag_s: number;
  rebuild: { version: number; progress: number } | null;
  parked: number;
}

export interface Comparison {
  version: number;
  checked: number;
  differing: { subscription_id: string; problem: string; fields: string[] }[];
}

export interface Point {
  at: string;
  seconds: number;
  commands: number;
  events: number;
  outcomes: { delivered: number; retry: number; dead: number; dropped: number };
  relay_lag_events: number;
  projection_lag_events: number;
  oldest_undelivered_s: number | null;
}

export interface ClientHealth {
  client_id: string;
  oldest_undelivered_s: number | null;
  at_risk: number;
  breaker: string;
  suspended_reason: string | null;
}

export interface LogHolder {
  database: string | null;
  pid: number | null;
  prepared: string | null;
  age_s: number;
  state: string | null;
  application_name: string | null;
}

interface Lag {
  lag_events: number;
  lag_s: number;
}

export interface Figures {
  subscriptions: Record<string, number>;
  deliveries: Record<string, number>;
  relay: Lag;
  projections: Record<string, Lag>;
  log_held_by: LogHolder | null;
  now: Point;
  clients: ClientHealth[];
  lists: MedmijList[];
  parked_streams: number;
  amiss: { check: string; status: string; reason: string | null }[];
}
