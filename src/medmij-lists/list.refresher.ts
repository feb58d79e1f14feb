import { describeError, type Logger, type LoopState, WorkLoop } from '../platform';
import { ListRefused } from './list-refused';
import type { ListCopyStore } from './list-copy.store';
import type { ListTlsFiles } from './list.client';
import { type SourceKind, sourceKindOf } from './list-source-kinds';
import type { ListSource } from './list.source';
import { type ListName, listNames, type ListStore } from './list.store';

/** Where each list is published: `https:` or `file:` URLs (the keys are those of the configuration). */
export interface ListUrls {
  providers: string;
  clients: string;
  serviceNames: string;
  whitelist: string;
}

interface Watched {
  url: URL;
  kind: SourceKind;
  source: ListSource;
  /** Checks of one list come one after the other, for a source remembers what it saw. */
  lastCheck: Promise<unknown>;
  /** Whether the check at start found a good list; undefined once that is known to the loop. */
  atStart?: boolean;
  /** So that a file that stays away is one warning and not one every second. */
  lastWarning?: string;
}

/** Keeps a `ListStore` up to date: loads every list at start and checks each one again and again until stopped. */
export class ListRefresher {
  readonly #watched: Record<ListName, Watched>;
  readonly #loops: WorkLoop[];

  /** @throws Error when a URL is of a kind that cannot be read */
  constructor(
    private readonly store: ListStore,
    private readonly copies: Pick<ListCopyStore, 'find' | 'keep' | 'confirm'>,
    urls: ListUrls,
    tlsFiles: ListTlsFiles,
    private readonly log: Logger,
  ) {
    const watched = (url: string) => watch(url, tlsFiles);
    this.#watched = {
      providers: watched(urls.providers),
      clients: watched(urls.clients),
      service_names: watched(urls.serviceNames),
      whitelist: watched(urls.whitelist),
    };
    this.#loops = listNames.map((name) => {
      const { kind } = this.#watched[name];
      const step = async () => ({ againInMs: kind.pauseMs(await this.#checkDue(name)) });
      return new WorkLoop({ name: `lists.${name}`, step, idleMs: kind.pauseMs(true), log });
    });
  }

  /** Loads all lists once, then goes on checking. A list that cannot be loaded is no error here: readiness tells. */
  async start(): Promise<void> {
    // A publisher that does not answer must not hold up the other lists.
    await Promise.all(
      listNames.map(async (name) => {
        if (this.#watched[name].kind.keepsCopies) await this.#restore(name);
        this.#watched[name].atStart = await this.check(name).catch(() => false); // Its loop tries again and says so.
      }),
    );
    for (const loop of this.#loops) loop.start();
  }

  /** Resolves when no check is running any more. */
  async stop(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.stop()));
  }

  /** How the checks are doing; a refused list is no failure of the check, `ListStore.status` shows it. */
  state(): LoopState[] {
    return this.#loops.map((loop) => loop.state());
  }

  /**
   * Checks one list now; whether it found a good one. What is wrong with the list is recorded in the store and logged; only a
   * bug is thrown.
   */
  check(name: ListName): Promise<boolean> {
    const watched = this.#watched[name];
    const check = watched.lastCheck.then(() => this.#checkOnce(name, watched));
    watched.lastCheck = check.catch(() => undefined);
    return check;
  }

  /** What the check at start found, once; then a check. */
  async #checkDue(name: ListName): Promise<boolean> {
    const { atStart } = this.#watched[name];
    this.#watched[name].atStart = undefined;
    return atStart ?? this.check(name);
  }

  /** The copy that an earlier process kept, with its age; a newer one may come at once. */
  async #restore(name: ListName): Promise<void> {
    try {
      const copy = await this.copies.find(name);
      if (!copy) return;
      const { outcome } = await this.store.offer(name, copy.content, copy.fetchedAt);
      this.log.info({ list: name, outcome, fetchedAt: copy.fetchedAt.toISOString() }, 'list.restored');
    } catch (error) {
      this.log.warn({ list: name, error: describeError(error) }, 'list.copy_failed');
    }
  }

  async #checkOnce(name: ListName, watched: Watched): Promise<boolean> {
    try {
      const read = await watched.source(watched.url);
      if (read !== 'unchanged') return await this.#offer(name, watched, read);
      this.store.confirm(name);
      await this.#keep(name, watched);
      return true;
    } catch (error) {
      if (error instanceof ListRefused) {
        this.#refuse(name, watched, error);
        return false;
      }
      this.store.refuse(name, new ListRefused(null, 'the check failed unexpectedly'));
      // A source that remembers nothing reads the same list again at the next try.
      watched.source = watched.kind.open();
      throw error;
    }
  }

  async #offer(name: ListName, watched: Watched, bytes: Uint8Array): Promise<boolean> {
    const startedMs = performance.now();
    const offered = await this.store.offer(name, bytes);
    if (offered.outcome === 'refused') {
      this.#warn(name, watched, offered.refusal);
      return false;
    }
    watched.lastWarning = undefined;
    if (offered.outcome === 'replaced') {
      const { sequence, entries } = offered;
      const durationMs = Math.round(performance.now() - startedMs);
      this.log.info({ list: name, sequence, entries, bytes: bytes.length, durationMs }, 'list.loaded');
    }
    await this.#keep(name, watched, offered.outcome === 'replaced' ? bytes : undefined);
    return true;
  }

  /** What is not kept is only missed at the next start, so that a database that is away is no reason to refuse a list. */
  async #keep(name: ListName, { kind }: Watched, bytes?: Uint8Array): Promise<void> {
    const standing = this.store.standing(name);
    if (!kind.keepsCopies || !standing) return;
    const { sequence, checkedAt } = standing;
    const kept = bytes
      ? this.copies.keep(name, sequence, bytes, checkedAt)
      : this.copies.confirm(name, sequence, checkedAt);
    await kept.catch((error: unknown) =>
      this.log.warn({ list: name, error: describeError(error) }, 'list.copy_failed'),
    );
  }

  #refuse(name: ListName, watched: Watched, refusal: ListRefused): void {
    this.store.refuse(name, refusal);
    this.#warn(name, watched, refusal);
  }

  #warn(name: ListName, watched: Watched, refusal: ListRefused): void {
    if (watched.lastWarning === refusal.message) return;
    watched.lastWarning = refusal.message;
    const { line, reason, cause } = refusal;
    this.log.warn(
      { list: name, line, reason, ...(cause !== undefined && { error: describeError(cause) }) },
      'list.refused',
    );
  }
}

function watch(text: string, tlsFiles: ListTlsFiles): Watched {
  const url = new URL(text);
  const kind = sourceKindOf(url, tlsFiles);
  return { url, kind, source: kind.open(), lastCheck: Promise.resolve() };
}
