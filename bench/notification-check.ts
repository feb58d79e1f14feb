import type { StoredEvent } from '../src/event-store';
import type { SubscriptionEvent } from '../src/subscriptions';
import { markOf } from './person-life';
import type { Arrival } from './receiver-process';

/**
 * What clients may rely on: every change reached its receiver, what it said is what the log says, and of each subscription
 * they came in order. Once each, except where a try failed: a client that did not answer may get the newest state only, and
 * it again.
 */
export class NotificationCheck {
  private readonly arrivals: Arrival[] = [];

  /** `unsteady`: clients that did not answer always. */
  constructor(private readonly unsteady: ReadonlySet<string> = new Set()) {}

  see(arrivals: readonly Arrival[]): void {
    for (const arrival of arrivals) if (arrival.answered) this.arrivals.push(arrival);
  }

  get seen(): number {
    return this.arrivals.length;
  }

  /** Everything that is wrong, beside the whole log. */
  async faults(log: AsyncIterable<readonly StoredEvent<SubscriptionEvent>[]>): Promise<string[]> {
    const faults: string[] = [];
    const marks = new Map<string, number[]>();
    const said = new Map<number, Arrival>();
    for (const arrival of this.arrivals) {
      const mark = markOf(arrival.correlationId);
      const before = marks.get(arrival.subscriptionId) ?? [];
      const last = before.at(-1) ?? 0;
      const again = last === mark && this.unsteady.has(arrival.clientId);
      if (mark <= last && !again) faults.push(`${arrival.subscriptionId}: change ${mark} came after ${last}`);
      marks.set(arrival.subscriptionId, [...before, mark]);
      said.set(mark, arrival);
    }
    const newest = new Map<string, SubscriptionEvent['data']>();
    for await (const page of log) {
      for (const { data } of page) {
        newest.set(data.subscription_id, data);
        const arrival = said.get(markOf(data.authorization_id ?? ''));
        if (arrival && !isSame(arrival, data))
          faults.push(`${data.subscription_id}: what was said is not what happened`);
        if (!arrival && !this.unsteady.has(data.client_id)) faults.push(`${data.authorization_id} reached nobody`);
      }
    }
    for (const { authorization_id, client_id } of newest.values()) {
      if (this.unsteady.has(client_id) && !said.has(markOf(authorization_id ?? '')))
        faults.push(`${authorization_id}, the newest state, reached nobody`);
    }
    return faults;
  }
}

const isSame = ({ subscriptionId, endDate, clientId }: Arrival, data: SubscriptionEvent['data']) =>
  subscriptionId === data.subscription_id && endDate === data.end_date && clientId === data.client_id;
