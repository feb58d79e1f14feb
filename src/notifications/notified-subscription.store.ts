import type { Queries } from '../platform';

/** What clients were told last of these subscriptions is forgotten: for those that are destroyed (docs/adr/0030). */
export async function forgetNotified(subscriptionIds: readonly string[], queries: Queries): Promise<void> {
  await queries.query('notified.forget', 'delete from notified_subscription where subscription_id = any ($1)', [
    subscriptionIds,
  ]);
}
