import type { SuspendedClients } from '../clients';
import { inNewestForm, type StoredEvent, type StreamHistories } from '../event-store';
import { project, type SubscriptionView } from '../projections';
import { streamOf, type SubscriptionEvent, upcast } from '../subscriptions';

/** Events of a stream read at a time. */
const pageSize = 500;

/** Subscriptions as the log itself has them, however far behind a projection is. */
export class RecordedSubscriptions {
  constructor(
    private readonly histories: StreamHistories,
    private readonly suspendedClients: Pick<SuspendedClients, 'has'>,
  ) {}

  /**
   * Events of one subscription as they were recorded, oldest first, at most `limit` of them after a version. A stream is the life of
   * several subscriptions, one after the other: its pages are read on until enough is found.
   */
  async eventsOf(id: string, afterVersion: number, limit: number): Promise<StoredEvent<SubscriptionEvent>[]> {
    const found: StoredEvent<SubscriptionEvent>[] = [];
    for (let after = afterVersion; found.length < limit;) {
      const page = await this.histories.stream<SubscriptionEvent>(streamOf(id), after, limit);
      found.push(...page.filter(({ data }) => data.subscription_id === id));
      if (page.length < limit) break;
      after = page.at(-1)!.version;
    }
    return found.slice(0, limit);
  }

  /** One subscription after its last event; undefined when there is none by this id. */
  async viewOf(id: string, today: string): Promise<SubscriptionView | undefined> {
    let view: SubscriptionView | undefined;
    for (let isMore = true; isMore;) {
      const page = await this.eventsOf(id, view?.version ?? 0, pageSize);
      view = foldByEvents(page, view).get(id) ?? view;
      isMore = page.length === pageSize;
    }
    return view && standingOn(view, today, this.suspendedClients);
  }
}

/** Subscriptions by id, as these events leave them; each stream's in its order. `before`: how one of them stood before. */
export function foldByEvents(events: readonly StoredEvent[], before?: SubscriptionView): Map<string, SubscriptionView> {
  const views = new Map<string, SubscriptionView>(before && [[before.subscription_id, before]]);
  for (const recorded of events) {
    const event = inNewestForm<SubscriptionEvent>(recorded, upcast);
    const { subscription_id: id } = event.data;
    views.set(id, project(views.get(id), event));
  }
  return views;
}

/**
 * A subscription as it reads on a day: one whose end date has come is over, noticed or not (domain.md 1), and one of a client that is
 * suspended as a whole is suspended (domain.md 11). Of neither there is an event.
 */
export function standingOn(
  view: SubscriptionView,
  today: string,
  suspendedClients: Pick<SuspendedClients, 'has'>,
): SubscriptionView {
  if (view.status !== 'active' && view.status !== 'suspended') return view;
  if (view.end_date <= today) return { ...view, status: 'expired', end_reason: 'expired', suspended_by: null };
  return suspendedClients.has(view.client_id) ? { ...view, status: 'suspended', suspended_by: 'client' } : view;
}
