import type { ListStore } from '../medmij-lists';
import type { Clock } from '../platform';
import type { ClientIdentity, IdentityStore } from './client-identity';
import { ConnectionFault } from './connection-failure';

/** Lists without which nobody knows whom we may call. */
const neededLists = ['clients', 'whitelist'] as const;

/** May we send at all, and to this host? Asked before a call, before each handshake, and again and again of what is open. */
export class SendingConditions {
  constructor(
    private readonly identities: IdentityStore,
    private readonly lists: ListStore,
    private readonly clock: Clock,
  ) {}

  /** Our identity, or why nothing at all can be sent at `now`: no usable key, a stale list. */
  async identityOrReason(now = this.clock.now()): Promise<ClientIdentity | { heldBackBy: string }> {
    const identity = await this.identities.current(now);
    if ('missing' in identity) return { heldBackBy: identity.missing };
    const stale = this.staleLists();
    return stale.length > 0 ? { heldBackBy: `the list ${stale.join(', ')} is stale` } : identity;
  }

  /** Why this host may not be called: only what stands on the whitelist and in the client list may (domain.md 12). */
  refusalOf(host: string): ConnectionFault | undefined {
    if (this.staleLists().length > 0) return new ConnectionFault('list_stale', 'A list is stale.');
    const lists = this.lists.current();
    if (!lists.isWhitelisted(host)) {
      return new ConnectionFault('host_not_whitelisted', 'The host is not on the whitelist.');
    }
    return lists.isNotificationHost(host)
      ? undefined
      : new ConnectionFault('host_not_listed', 'The client list names no endpoint at this host.');
  }

  private staleLists(): string[] {
    return neededLists.filter((name) => !this.lists.isFresh(name));
  }
}
