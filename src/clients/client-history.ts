import type { StreamHistories } from '../event-store';
import { evolveClient, initialClientState } from './client.decider';
import type { ClientEvent } from './client.events';
import { clientStreamOf } from './client-order-book';

/** How clients stood at moments that are over, by their events. */
export class ClientHistory {
  constructor(private readonly histories: StreamHistories) {}

  /** Which of these clients were suspended as a whole at that moment. */
  async suspendedAt(clientIds: readonly string[], at: Date): Promise<Set<string>> {
    const streams = new Map(clientIds.map((clientId) => [clientStreamOf(clientId), clientId]));
    const suspended = new Set<string>();
    const states = new Map<string, ReturnType<typeof evolveClient>>();
    for (const event of await this.histories.streamsAt<ClientEvent>([...streams.keys()], at)) {
      states.set(event.stream_id, evolveClient(states.get(event.stream_id) ?? initialClientState, event));
    }
    for (const [streamId, state] of states) if (state.suspendedFor !== undefined) suspended.add(streams.get(streamId)!);
    return suspended;
  }
}
