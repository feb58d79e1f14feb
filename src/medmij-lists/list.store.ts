import { webcrypto } from 'node:crypto';
import type { Clock } from '../platform';
import { Refused } from '../refusals';
import { parseList } from './list-parsing';
import { ListRefused } from './list-refused';
import type { ListReading } from './list-values';
import { Lists, type ParsedLists } from './lists';

/** Every list, in the order of contract.md 4. */
export const listNames = ['providers', 'clients', 'service_names', 'whitelist'] as const;
export type ListName = (typeof listNames)[number];

/** How often a list is fetched at least (published for the whitelist, decided for all; domain.md 9). */
export const listCheckMaxS = 900;

/** A list is stale when two checks in a row should have succeeded and did not (decided). */
export const listStaleAfterS = 2 * listCheckMaxS;

/** One row of `/ops/api/lists` (contract.md 4); moments in RFC 3339, null while the list was never loaded. */
export interface ListStatus {
  name: ListName;
  sequence: number | null;
  published_at: string | null;
  /** The last successful check, also one that found nothing new. */
  fetched_at: string | null;
  /** Seconds since `fetched_at`. */
  age_s: number | null;
  stale: boolean;
  last_refusal: { at: string; line: number | null; reason: string } | null;
}

/** What became of a document that was offered. */
export type OfferOutcome =
  | { outcome: 'replaced'; sequence: number; entries: number }
  | { outcome: 'unchanged' }
  | { outcome: 'refused'; refusal: ListRefused };

/** The good copy in use and what is known about the checks since. */
interface Shelf<Name extends ListName> {
  list?: ParsedLists[Name];
  digest?: string;
  checkedAt?: Date;
  lastCheckRefused: boolean;
  lastRefusal: ListStatus['last_refusal'];
}

/**
 * Holds the last good copy of every list. A document is taken over whole or not at all; one that is refused leaves the
 * copy in use, and makes it age (domain.md 9).
 */
export class ListStore {
  readonly #shelves: { [Name in ListName]: Shelf<Name> } = {
    providers: { lastCheckRefused: false, lastRefusal: null },
    clients: { lastCheckRefused: false, lastRefusal: null },
    service_names: { lastCheckRefused: false, lastRefusal: null },
    whitelist: { lastCheckRefused: false, lastRefusal: null },
  };
  #current: Lists | undefined;

  /** `localhostAllowed`: development only, the `localhost` client is refused in production (contract.md 2). */
  constructor(
    private readonly clock: Clock,
    private readonly reading: ListReading,
  ) {}

  /**
   * All four lists as they are now.
   * @throws Refused `unavailable` while one of them was never loaded
   */
  current(): Lists {
    if (!this.#current) throw new Refused('unavailable', 'The MedMij lists have not been loaded yet.');
    return this.#current;
  }

  /** Whether every list was loaded at least once, so that `current` answers. */
  everLoaded(): boolean {
    return this.#current !== undefined;
  }

  /** Whether the list was checked successfully within `listStaleAfterS`. */
  isFresh(name: ListName): boolean {
    const age = this.#ageS(name);
    return age !== null && age <= listStaleAfterS;
  }

  /** Every list as `/ops/api/lists` shows it. */
  status(): ListStatus[] {
    return listNames.map((name) => {
      const { list, checkedAt, lastRefusal } = this.#shelves[name];
      const age = this.#ageS(name);
      return {
        name,
        sequence: list?.sequence ?? null,
        published_at: list?.publishedAt.toISOString() ?? null,
        fetched_at: checkedAt?.toISOString() ?? null,
        age_s: age === null ? null : Math.floor(age),
        stale: !this.isFresh(name),
        last_refusal: lastRefusal,
      };
    });
  }

  /**
   * Takes a fetched document over when it is valid and newer than the copy in use; otherwise that copy stays.
   * The very same bytes are a successful check. Other bytes under the same or a lower `Volgnummer` are refused.
   * `fetchedAt`: when it was fetched, for a copy that was kept.
   */
  async offer(name: ListName, bytes: Uint8Array, fetchedAt = this.clock.now()): Promise<OfferOutcome> {
    // Not on the event loop: 18 MB would hold it for 50 ms.
    const digest = Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('base64');
    if (digest === this.#shelves[name].digest) {
      this.#succeeded(name, fetchedAt);
      return { outcome: 'unchanged' };
    }
    try {
      const list = await parseList(name, bytes, this.reading);
      return this.#takeOver(name, list, digest, fetchedAt);
    } catch (error) {
      if (!(error instanceof ListRefused)) throw error;
      this.refuse(name, error);
      return { outcome: 'refused', refusal: error };
    }
  }

  /** `Volgnummer` of the copy in use and its last successful check; undefined while there is none. */
  standing(name: ListName): { sequence: number; checkedAt: Date } | undefined {
    const { list, checkedAt } = this.#shelves[name];
    return list && checkedAt && { sequence: list.sequence, checkedAt };
  }

  /** A check that found what the check before it found: it counts as successful unless that one was refused. */
  confirm(name: ListName): void {
    if (!this.#shelves[name].lastCheckRefused) this.#succeeded(name, this.clock.now());
  }

  /** A check that gave nothing usable: it is recorded, and the copy in use grows older. */
  refuse(name: ListName, { line, reason }: Pick<ListRefused, 'line' | 'reason'>): void {
    const shelf = this.#shelves[name];
    shelf.lastCheckRefused = true;
    shelf.lastRefusal = { at: this.clock.now().toISOString(), line, reason };
  }

  #takeOver<Name extends ListName>(name: Name, list: ParsedLists[Name], digest: string, fetchedAt: Date): OfferOutcome {
    // Looked at after the parse, which takes turns: between here and the end of this method nothing else runs.
    const present = this.#shelves[name].list?.sequence ?? 0;
    if (list.sequence <= present) {
      throw new ListRefused(null, `Volgnummer ${list.sequence} is not above ${present}, the one in use`);
    }
    this.#shelves[name].list = list;
    this.#shelves[name].digest = digest;
    this.#succeeded(name, fetchedAt);
    const { providers, clients, service_names, whitelist } = this.#shelves;
    if (providers.list && clients.list && service_names.list && whitelist.list) {
      this.#current = new Lists({
        providers: providers.list,
        clients: clients.list,
        service_names: service_names.list,
        whitelist: whitelist.list,
      });
    }
    return { outcome: 'replaced', sequence: list.sequence, entries: list.entries.size };
  }

  #succeeded(name: ListName, at: Date): void {
    this.#shelves[name].checkedAt = at;
    this.#shelves[name].lastCheckRefused = false;
  }

  #ageS(name: ListName): number | null {
    const { checkedAt } = this.#shelves[name];
    // A clock that was set back must not make a list younger than new.
    return checkedAt ? Math.max(0, this.clock.now().getTime() - checkedAt.getTime()) / 1000 : null;
  }
}
