import { z } from 'zod';
import { deliveryStates, type DeliveryView } from '../notifications';
import { type ListPage, listPage, momentText, pageQuery, partsOfCursor } from './list-page';

const moment = z.iso.datetime();

/** One delivery (contract.md 4). */
export const deliveryItem = z.strictObject({
  delivery_id: z.uuid(),
  subscription_id: z.string(),
  client_id: z.string(),
  notification_type: z.enum(['subscription', 'resource']),
  end_date: z.iso.date().nullable(),
  state: z.enum(deliveryStates),
  attempts: z.int().min(0),
  due_at: moment,
  created_at: moment,
  last_attempt_at: moment.nullable(),
  last_status: z.int().nullable(),
  last_error: z.string().nullable(),
  deadline_at: moment,
});

export function toDeliveryItem(view: DeliveryView): z.output<typeof deliveryItem> {
  return {
    delivery_id: view.delivery_id,
    subscription_id: view.subscription_id,
    client_id: view.client_id,
    notification_type: view.notification_type,
    end_date: view.end_date,
    state: view.state,
    attempts: view.attempts,
    due_at: view.due_at.toISOString(),
    created_at: view.created_at.toISOString(),
    last_attempt_at: view.last_attempt_at?.toISOString() ?? null,
    last_status: view.last_status,
    last_error: view.last_error,
    deadline_at: view.deadline_at.toISOString(),
  };
}

export const clientId = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\p{C}]*$/u, 'must be printable');

export const deliveriesQuery = z.strictObject({
  ...pageQuery,
  state: z.enum(deliveryStates).optional(),
  client_id: clientId.optional(),
});

const place = z.tuple([momentText, z.uuid()]);

/** Where a page of deliveries begins. @throws Refused `malformed_request` */
export function deliveryPlace(cursor: string): { createdAt: string; deliveryId: string } {
  const [createdAt, deliveryId] = partsOfCursor(cursor, place);
  return { createdAt, deliveryId };
}

export function pagedDeliveries(
  rows: (DeliveryView & { place: string })[],
  limit: number,
): ListPage<z.output<typeof deliveryItem>> {
  return listPage(rows, limit, toDeliveryItem, (row) => [row.place, row.delivery_id]);
}
