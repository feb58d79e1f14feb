import { z } from 'zod';
import { isPositionText, type Fact, positionText, type StoredEvent } from '../event-store';
import type { SubscriptionView } from '../projections';
import { pageQuery } from './list-page';

const moment = z.iso.datetime();

export const subscriptionStatus = z.enum(['active', 'suspended', 'terminated', 'expired']);

/** One subscription (contract.md 4). */
export const subscriptionItem = z.strictObject({
  subscription_id: z.string(),
  client_id: z.string(),
  provider: z.string(),
  service_id: z.string(),
  person_id: z.uuid(),
  status: subscriptionStatus,
  end_date: z.iso.date(),
  interface_version: z.string(),
  version: z.int(),
  started_at: moment,
  updated_at: moment,
  end_reason: z
    .enum([
      'person',
      'provider',
      'operator',
      'expired',
      'client_endpoint',
      'client_delisted',
      'service_withdrawn',
      'erased',
    ])
    .nullable(),
  suspended_by: z.enum(['client', 'provider', 'operator']).nullable(),
});

export function toSubscriptionItem({
  stream_id: _streamId,
  ...view
}: SubscriptionView): z.output<typeof subscriptionItem> {
  const { subscription_id, client_id, provider, service_id, person_id, status, end_date, interface_version, version } =
    view;
  return {
    subscription_id,
    client_id,
    provider,
    service_id,
    person_id,
    status,
    end_date,
    interface_version,
    version,
    started_at: view.started_at.toISOString(),
    updated_at: view.updated_at.toISOString(),
    end_reason: view.end_reason,
    suspended_by: view.suspended_by,
  };
}

/** One event of a subscription's history (contract.md 4). */
export const historyItem = z.strictObject({
  event_id: z.uuid(),
  type: z.string(),
  version: z.int(),
  position: z.string(),
  occurred_at: moment,
  correlation_id: z.string(),
  data: z.record(z.string(), z.unknown()),
});

export function toHistoryItem(event: StoredEvent<Fact>): z.output<typeof historyItem> {
  return {
    event_id: event.event_id,
    type: event.type,
    version: event.version,
    position: positionText(event.position),
    occurred_at: event.occurred_at.toISOString(),
    correlation_id: event.metadata.correlation_id,
    data: event.data as Record<string, unknown>,
  };
}

const waitFor = z.string().refine(isPositionText, 'must be a position').optional();
const name = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\p{C}]*$/u, 'must be printable')
  .optional();

export const subscriptionQuery = z.strictObject({ wait_for: waitFor });
export const historyQuery = z.strictObject({ ...pageQuery, wait_for: waitFor });
export const subscriptionsQuery = z.strictObject({
  ...pageQuery,
  wait_for: waitFor,
  client_id: name,
  provider: name,
  service_id: name,
  status: subscriptionStatus.optional(),
  person_id: z.uuid().optional(),
});

/** Moments before anything was written down are none that anybody asks about, and PostgreSQL does not know the first of them. */
export const subscriptionsAsOfQuery = subscriptionsQuery.extend({
  at: z.iso
    .datetime({ offset: true })
    .refine((at) => Date.parse(at) >= 0, 'must be in 1970 or later')
    .meta({ description: 'A moment that is over, with a zone.' }),
});
