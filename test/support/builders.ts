import { randomUUID } from 'node:crypto';
import type { StoredEvent } from '../../src/event-store';
import type { Party, SubscriptionEvent } from '../../src/subscriptions';

/** Whose subscription every built event is about. */
export const party: Party = {
  client_id: 'app.example',
  provider: 'eenofanderezorgaanbieder',
  service_id: '42',
  person_id: '6b1c3a52-8f2e-4f0a-9c58-0d6a3f7f9f10',
};
export const streamId = '0b9f7a44-5b0e-8c11-9d3e-5f0c7d2a1b33';
export const firstId = `${streamId}.1`;
export const secondId = `${streamId}.2`;

/** Noon in Amsterdam on a day, in winter and in summer. */
export function noon(day: string): Date {
  const isSummer = day.slice(5) >= '04-01' && day.slice(5) < '10-25';
  return new Date(`${day}T12:00:00${isSummer ? '+02:00' : '+01:00'}`);
}

type DataOf<Type extends SubscriptionEvent['type']> = Extract<SubscriptionEvent, { type: Type }>['data'];
type Changes = Partial<Record<string, unknown>>;

const common = { subscription_id: firstId, ...party, interface_version: '3.0.0' };

const build =
  <Type extends SubscriptionEvent['type']>(type: Type, defaults: Omit<DataOf<Type>, keyof typeof common>) =>
  (changes: Changes = {}): SubscriptionEvent =>
    ({ type, data: { ...common, ...defaults, ...changes } }) as unknown as SubscriptionEvent;

export const started = build('nl.medmij.subscription.started.v1', {
  end_date: '2026-07-01',
  authorization_id: 'a-1',
  authorized_at: noon('2026-01-02').toISOString(),
});
export const adjusted = build('nl.medmij.subscription.adjusted.v1', {
  end_date: '2026-08-01',
  previous_end_date: '2026-07-01',
});
export const terminated = build('nl.medmij.subscription.terminated.v1', {
  end_date: '2026-03-01',
  previous_end_date: '2026-07-01',
  reason: 'person',
});
export const expired = build('nl.medmij.subscription.expired.v1', { end_date: '2026-07-01', reason: 'expired' });
export const suspended = build('nl.medmij.subscription.suspended.v1', { end_date: '2026-07-01', reason: 'operator' });
export const resumed = build('nl.medmij.subscription.resumed.v1', { end_date: '2026-07-01', reason: 'operator' });

/** A fact as the log would hold it. */
export function stored(
  event: SubscriptionEvent,
  version = 1,
  occurredAt = noon('2026-01-02'),
): StoredEvent<SubscriptionEvent> {
  return {
    ...event,
    position: { epoch: 1, xid: String(700 + version), pos: String(version) },
    stream_id: streamId,
    version,
    event_id: randomUUID(),
    metadata: { correlation_id: 'conversation', causation_id: 'request' },
    occurred_at: occurredAt,
    recorded_at: occurredAt,
  };
}
