import { type Fact, type LogAccess, LogFollower, type StoredEvent } from '../event-store';
import type { Queries } from '../platform';
import { isSubscriptionEvent, type SubscriptionEvent } from '../subscriptions';
import { readerOf, type Slot } from './projection.store';
import { project, type SubscriptionView } from './subscription.projection';
import { subscriptions, type SubscriptionViewStore } from './subscription-view.store';

/** Events folded in one transaction. */
const pageSize = 1_000;

/**
 * The reader of the log that keeps one slot of the subscription view: a page is folded in memory and written in one statement.
 * `after` is called with the number of events of each page, and whether it was the last for now.
 */
export function createProjector(
  access: LogAccess,
  store: SubscriptionViewStore,
  slot: Slot,
  after: (isAtEnd: boolean) => void = () => undefined,
): LogFollower<Fact> {
  return new LogFollower(access, {
    name: readerOf(subscriptions, slot),
    pageSize,
    apply: (page, queries) => applyPage(slot, page.filter(isSubscriptionEvent), store, queries),
    after: (page) => after(page.length < pageSize),
  });
}

async function applyPage(
  slot: Slot,
  page: StoredEvent<SubscriptionEvent>[],
  store: SubscriptionViewStore,
  queries: Queries,
): Promise<void> {
  if (page.length === 0) return;
  const present = await store.viewsOf(slot, [...new Set(page.map(({ data }) => data.subscription_id))], queries);
  await store.put(slot, [...fold(page, present).values()], queries);
}

/** The views after these events, starting from those that are there. */
export function fold(
  events: readonly StoredEvent<SubscriptionEvent>[],
  present: ReadonlyMap<string, SubscriptionView> = new Map(),
): Map<string, SubscriptionView> {
  const folded = new Map<string, SubscriptionView>();
  for (const event of events) {
    const id = event.data.subscription_id;
    folded.set(id, project(folded.get(id) ?? present.get(id), event));
  }
  return folded;
}
