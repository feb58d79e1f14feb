import type { Queries } from '../platform';

/**
 * Forgets what clients were told last of these subscriptions, and what was still to be told: for those that are destroyed
 * (docs/adr/0030). A client that has been suspended for years would hear of their ends otherwise, and a person's id would stay here.
 */
export async function forgetNotified(subscriptionIds: readonly string[], queries: Queries): Promise<void> {
  await queries.query('notified.forget', 'delete from notified_subscription where subscription_id = any ($1)', [
    subscriptionIds,
  ]);
  await queries.query('notified.forget-deliveries', 'delete from delivery where subscription_id = any ($1)', [
    subscriptionIds,
  ]);
}
