import { describeError, type Logger, type LoopState, WorkLoop } from '../platform';
import { ListRefused } from './list-refused';
import { type ListSource, type SourceKind, sourceKindOf } from './list.source';
import { type ListName, listNames, type ListStore } from './list.store';

/** Where each list is published: `file:` URLs (the keys are those of the configuration). */
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
  lastCheck: Promise<void>;
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
    urls: ListUrls,
    private readonly log: Logger,
  ) {
    this.#watched = {
      providers: watch(urls.providers),
      clients: watch(urls.clients),
      service_names: watch(urls.serviceNames),
      whitelist: watch(urls.whitelist),
    };
    this.#loops = listNames.map((name) => {
      const step = async () => {
        await this.check(name);
        return 'idle' as const;
      };
      return new WorkLoop({ name: `lists.${name}`, step, idleMs: this.#watched[name].kind.checkEveryMs, log });
    });
  }

  /** Loads all lists once, then goes on checking. A list that cannot be loaded is no error here: readiness tells. */
  async start(): Promise<void> {
    for (const name of listNames) await this.check(name).catch(() => undefined); // Its loop tries again and says so.
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

  /** Checks one list now. What is wrong with the list is recorded in the store and logged; only a bug is thrown. */
  check(name: ListName): Promise<void> {
    const watched = this.#watched[name];
    const check = watched.lastCheck.then(() => this.#checkOnce(name, watched));
    watched.lastCheck = check.catch(() => undefined);
    return check;
  }

  async #checkOnce(name: ListName, watched: Watched): Promise<void> {
    try {
      const read = await watched.source(watched.url);
      if (read === 'unchanged') this.store.confirm(name);
      else await this.#offer(name, watched, read);
    } catch (error) {
      if (error instanceof ListRefused) return this.#refuse(name, watched, error);
      this.store.refuse(name, new ListRefused(null, 'the check failed unexpectedly'));
      // A source that remembers nothing reads the same list again at the next try.
      watched.source = watched.kind.open();
      throw error;
    }
  }

  async #offer(name: ListName, watched: Watched, bytes: Uint8Array): Promise<void> {
    const startedMs = performance.now();
    const offered = await this.store.offer(name, bytes);
    if (offered.outcome === 'refused') return this.#warn(name, watched, offered.refusal);
    watched.lastWarning = undefined;
    if (offered.outcome === 'unchanged') return;
    const { sequence, entries } = offered;
    const durationMs = Math.round(performance.now() - startedMs);
    this.log.info({ list: name, sequence, entries, bytes: bytes.length, durationMs }, 'list.loaded');
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

function watch(text: string): Watched {
  const url = new URL(text);
  const kind = sourceKindOf(url);
  return { url, kind, source: kind.open(), lastCheck: Promise.resolve() };
}
