import { opensSubscriptions } from '../authorization-checks';
import type { ListStore } from '../medmij-lists';
import type { Delisted } from './delisting.store';

/**
 * Whether something stands on the lists as they are now; undefined when nobody can say: a list was never loaded or is too old, and
 * what could not be fetched says nothing about anybody.
 */
export class Listed {
  constructor(
    private readonly lists: ListStore,
    /** Undefined (development) means any. */
    private readonly ownHosts: ReadonlySet<string> | undefined,
  ) {}

  has({ kind, name, service_id: serviceId }: Delisted): boolean | undefined {
    const list = kind === 'client' ? 'clients' : 'providers';
    if (!this.lists.everLoaded() || !this.lists.isFresh(list)) return undefined;
    const current = this.lists.current();
    if (kind === 'client') return current.client(name) !== undefined;
    // Under whichever interface version: a service that only moves to another one goes on (decided).
    return current.offeringsOf(name, serviceId).some((offering) => opensSubscriptions(offering, this.ownHosts));
  }

  /** Which editions of the lists it goes by: another text when another one was taken over, or one has become fresh again. */
  edition(): string {
    const editionOf = (list: 'clients' | 'providers') =>
      this.lists.isFresh(list) ? this.lists.standing(list)?.sequence : 'stale';
    return `${editionOf('clients')} ${editionOf('providers')}`;
  }
}
