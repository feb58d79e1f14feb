import { type EventStore, positionText } from '../event-store';
import { nameBasedId, type Queries } from '../platform';
import { Refused } from '../refusals';
import { decideClient, evolveClient, initialClientState } from './client.decider';
import type { ClientEvent } from './client.events';
import type { ClientOrder, ClientOrderResult } from './client.orders';
import type { SuspendedClientStore } from './suspended-client.store';
import type { SuspendedClients } from './suspended-clients';

/** Times an order is decided anew because somebody else was first. */
const attemptsMax = 10;

/** The stream of a client: one a client, beside those of subscriptions, whose names begin with a person. */
export function clientStreamOf(clientId: string): string {
  return nameBasedId('client', clientId);
}

/** Carries out what is to happen to a client: its event and the row that says it is suspended, both or neither. */
export class ClientOrderBook {
  constructor(
    private readonly eventStore: EventStore,
    private readonly store: SuspendedClientStore,
    private readonly suspended: SuspendedClients,
  ) {}

  /** @throws Refused `unavailable` when others change the client all the time; the database's error when it is away */
  async carryOut(order: ClientOrder): Promise<ClientOrderResult> {
    for (let attempts = 1; attempts <= attemptsMax; attempts += 1) {
      const result = await this.attempt(order);
      if (result) return result;
    }
    throw new Refused('unavailable', 'The client is being changed by too many requests at once.');
  }

  /** Undefined when somebody else was first. */
  private async attempt({ command, trace, now }: ClientOrder): Promise<ClientOrderResult | undefined> {
    const streamId = clientStreamOf(command.clientId);
    const [read] = await this.eventStore.read<ClientEvent>([{ target: { streamId } }]);
    const { events } = read!;
    const state = events.reduce(evolveClient, initialClientState);
    const facts = decideClient(command, state);
    const isSuspended = facts.reduce(evolveClient, state).suspendedFor !== undefined;
    if (facts.length === 0) {
      const last = events.at(-1);
      return { recorded: false, isSuspended, position: last && positionText(last.position) };
    }
    const appended = await this.eventStore.appendWith(
      { streamId, expectedVersion: events.length, facts, dueOn: null, trace, occurredAt: now },
      async (queries) => {
        for (const fact of facts) await this.show(fact, now, queries);
      },
    );
    if (appended.outcome === 'conflict') return undefined;
    await this.suspended.noteChange();
    return { recorded: true, isSuspended, position: appended.position };
  }

  private async show({ type, data }: ClientEvent, now: Date, queries: Queries): Promise<void> {
    if (type === 'nl.medmij.client.resumed.v1') await this.store.remove(data.client_id, queries);
    else await this.store.put({ ...data, suspended_at: now }, queries);
  }
}
