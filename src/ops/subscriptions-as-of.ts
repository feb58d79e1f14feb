import type { ClientHistory } from '../clients';
import type { StreamHistories } from '../event-store';
import type { ListPlace, SubscriptionFilter, SubscriptionView, SubscriptionViewStore } from '../projections';
import { dateOf } from '../subscriptions';
import { foldByEvents, standingOn } from './recorded-subscriptions';

/** Subscriptions whose histories are read together at most. */
const readTogether = 100;
/** Subscriptions looked at for one page; what is beyond them stands behind `next`. */
const lookedAtMax = 2_000;
/** Sorts after every subscription id. */
const afterAllIds = 'zzz';

export interface PageAsOf {
  views: SubscriptionView[];
  /** Where the next page goes on; undefined at the end. */
  next: ListPlace | undefined;
}

/**
 * Subscriptions as they stood at a moment that is over, by when events happened. Whom a subscription is of never changes, so the view
 * says which there were; how each one stood is folded from the log anew. What has been destroyed since is not there.
 */
export class SubscriptionsAsOf {
  constructor(
    private readonly views: Pick<SubscriptionViewStore, 'list'>,
    private readonly histories: StreamHistories,
    private readonly clients: ClientHistory,
  ) {}

  /** Newest first. A page may hold fewer than `limit` and have a next one: only so many are looked at for one answer. */
  async page(
    { status, ...filter }: SubscriptionFilter,
    at: Date,
    after: ListPlace | undefined,
    limit: number,
  ): Promise<PageAsOf> {
    const found: SubscriptionView[] = [];
    let place = after ?? { startedAt: at.toISOString(), subscriptionId: afterAllIds };
    // As many as the page needs, and one by which it is known whether it is the last; more where some of them do not belong to it.
    let together = Math.min(limit + 1, readTogether);
    for (let looked = 0; looked < lookedAtMax;) {
      const rows = await this.views.list(filter, place, together, dateOf(at));
      const then = await this.standingAt(rows, at);
      for (const [index, row] of rows.entries()) {
        place = { startedAt: row.place, subscriptionId: row.subscription_id };
        const view = then.get(row.subscription_id);
        if (!view || (status !== undefined && view.status !== status)) continue;
        found.push(view);
        const isLast = rows.length < together && index === rows.length - 1;
        if (found.length === limit) return { views: found, next: isLast ? undefined : place };
      }
      if (rows.length < together) return { views: found, next: undefined };
      looked += together;
      together = readTogether;
    }
    return { views: found, next: place };
  }

  private async standingAt(rows: readonly SubscriptionView[], at: Date): Promise<Map<string, SubscriptionView>> {
    if (rows.length === 0) return new Map();
    const [events, suspended] = await Promise.all([
      this.histories.streamsAt([...new Set(rows.map(({ stream_id }) => stream_id))], at),
      this.clients.suspendedAt([...new Set(rows.map(({ client_id }) => client_id))], at),
    ]);
    const views = foldByEvents(events);
    for (const [id, view] of views) views.set(id, standingOn(view, dateOf(at), suspended));
    return views;
  }
}
