import type { SuspendedClients } from '../clients';
import { inNewestForm, type LogReader, type StoredEvent } from '../event-store';
import { project, type SubscriptionView } from '../projections';
import { streamOf, type SubscriptionEvent, upcast } from '../subscriptions';

/** Events of a stream read at a time. */
const pageSize = 500;

/** Subscriptions as the log itself has them, however far behind a projection is. */
export class RecordedSubscriptions {
  constructor(
    private readonly log: LogReader,
    private readonly suspendedClients: Pick<SuspendedClients, 'has'>,
  ) {}

  /**
   * Events of one subscription as they were recorded, oldest first, at most `limit` of them after a version. A stream is the life of
   * several subscriptions, one after the other: its pages are read on until enough is found.
   */
  async eventsOf(id: string, afterVersion: number, limit: number): Promise<StoredEvent<SubscriptionEvent>[]> {
    const found: StoredEvent<SubscriptionEvent>[] = [];
    for (let after = afterVersion; found.length < limit;) {
      const page = await this.log.stream<SubscriptionEvent>(streamOf(id), after, limit);
      found.push(...page.filter(({ data }) => data.subscription_id === id));
      if (page.length < limit) break;
      after = page.at(-1)!.version;
    }
    return found.slice(0, limit);
  }

  /** One subscription after its last event; undefined when there is none by this id. */
  async viewOf(id: string): Promise<SubscriptionView | undefined> {
    let view: SubscriptionView | undefined;
    for (let isMore = true; isMore;) {
      const page = await this.eventsOf(id, view?.version ?? 0, pageSize);
      for (const event of page) view = project(view, inNewestForm<SubscriptionEvent>(event, upcast));
      isMore = page.length === pageSize;
    }
    const isRunning = view?.status === 'active' || view?.status === 'suspended';
    if (!isRunning || !this.suspendedClients.has(view!.client_id)) return view;
    return { ...view!, status: 'suspended', suspended_by: 'client' };
  }
}
