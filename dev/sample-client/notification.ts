import { z } from 'zod';

/** Which of a client's two notification endpoints; each takes its own type of notification only (domain.md 6, 7). */
export type NotificationType = 'subscription' | 'resource';

export interface Notification {
  readonly subscription_id: string;
  readonly notification_type: NotificationType;
  readonly end_date?: string;
}

const subscriptionId = z.string().regex(/^[0-9A-Za-z.-]{1,64}$/);

const shapes = {
  subscription: z.strictObject({
    subscription_id: subscriptionId,
    notification_type: z.literal('subscription'),
    end_date: z.iso.date(),
  }),
  resource: z.strictObject({ subscription_id: subscriptionId, notification_type: z.literal('resource') }),
} as const;

export type Reading = { readonly notification: Notification } | { readonly error: string };

/** A body as the endpoint for that type must see it, or the error to answer with status 400. */
export function readNotification(body: string, expected: NotificationType): Reading {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { error: 'invalid_request' };
  }
  const given = z.looseObject({ notification_type: z.unknown() }).safeParse(json);
  if (given.success && given.data.notification_type !== expected) return { error: 'invalid_notification_type' };
  const read = shapes[expected].safeParse(json);
  return read.success ? { notification: read.data } : { error: 'invalid_request' };
}
