import { type LogAccess, LogFollower, type StoredEvent } from '../event-store';
import type { Queries, Signal } from '../platform';
import type { SubscriptionEvent } from '../subscriptions';
import { project, type SubscriptionView } from './subscription.projection';
import type { SubscriptionViewStore } from './subscription-view.store';

/** Events folded in one transaction. */
const pageSize = 1_000;

/** The projection's name: its lease and checkpoint. */
export const subscriptionProjection = 'projection:subscriptions';

/** The reader of the log that keeps the subscription view: a page is folded in memory and written in one statement. */
export function createProjector(
  access: LogAccess,
  store: SubscriptionViewStore,
  moved: Signal,
): LogFollower<SubscriptionEvent> {
  return new LogFollower<SubscriptionEvent>(access, {
    name: subscriptionProjection,
    pageSize,
    apply: (page, queries) => applyPage(page, store, queries),
    after: () => moved.raise(),
  });
}

async function applyPage(
  page: StoredEvent<SubscriptionEvent>[],
  store: SubscriptionViewStore,
  queries: Queries,
): Promise<void> {
  const present = await store.viewsOf([...new Set(page.map(({ data }) => data.subscription_id))], queries);
  const folded = new Map<string, SubscriptionView>();
  for (const event of page) {
    const id = event.data.subscription_id;
    folded.set(id, project(folded.get(id) ?? present.get(id), event));
  }
  await store.put([...folded.values()], queries);
}
