import type { CommandBus } from '@nestjs/cqrs';
import type { EndpointProbe } from '../client-connections';
import { type ClientOrderResult, ResumeClientOrder } from '../clients';
import type { Trace } from '../event-store';
import type { ListStore } from '../medmij-lists';
import { Refused } from '../refusals';
import { lookEveryMs } from './endpoint-watch.decider';
import type { Endpoint, EndpointWatchStore } from './endpoint-watch.store';
import { endpointsOf } from './endpoints';
import { spread } from './spread';

/** An operator resumes a client: only after a good look at each of its endpoints, which are known by what they show then. */
export class ClientResumption {
  constructor(
    private readonly probe: EndpointProbe,
    private readonly store: EndpointWatchStore,
    private readonly lists: ListStore,
    private readonly commandBus: Pick<CommandBus, 'execute'>,
  ) {}

  /**
   * @throws Refused `probe_failed` when an endpoint does not answer or not as itself, or the client has none; `unavailable` when
   * nobody may be called at present
   */
  async resume(clientId: string, trace: Trace, now: Date): Promise<ClientOrderResult> {
    const client = this.lists.current().client(clientId);
    const endpoints = client ? endpointsOf(client) : [];
    if (endpoints.length === 0) throw new Refused('probe_failed', 'The client list names no endpoint of this client.');
    const looks = await Promise.all(endpoints.map((endpoint) => this.look(endpoint)));
    // All of them first: a client is not half known by what it shows now.
    for (const { endpoint, identity } of looks) {
      await this.store.begin(endpoint, identity, now, spread(now, lookEveryMs));
    }
    return this.commandBus.execute(new ResumeClientOrder(clientId, 'operator', trace, now));
  }

  private async look(endpoint: Endpoint) {
    const { host } = new URL(endpoint.origin);
    const found = await this.probe.look(endpoint.origin);
    switch (found.kind) {
      case 'held_back':
        throw new Refused('unavailable', `No endpoint can be looked at: ${found.reason}.`);
      case 'unreachable':
        throw new Refused('probe_failed', `The endpoint at ${host} could not be looked at: ${found.error}.`);
      case 'seen':
        if (found.fault) throw new Refused('probe_failed', `The certificate at ${host} is ${faultWords[found.fault]}.`);
        return { endpoint, identity: found.identity };
    }
  }
}

const faultWords = { expired: 'expired', other_name: 'for another name', untrusted: 'not one we trust' } as const;
