import { type Logger, type LoopState, type Signal, WorkLoop } from '../platform';
import type { SuspendedClient, SuspendedClientStore } from './suspended-client.store';

/** Between two looks; a signal of the process that suspended or resumed a client ends it early. */
const idleMs = 1_000;

/**
 * The suspended clients, kept in memory so that asking costs nothing: the process that suspends one knows at once, the others when
 * they hear of it, or look by themselves. While the database is away they go on with what they know; nothing can be recorded then.
 */
export class SuspendedClients {
  private readonly loop: WorkLoop;
  private known: ReadonlyMap<string, SuspendedClient> = new Map();
  /** Looks begun, and the latest of them that is known: an older one that answers late must not undo it. */
  private looks = 0;
  private latest = 0;

  constructor(
    private readonly store: SuspendedClientStore,
    private readonly changed: Signal,
    log: Logger,
  ) {
    this.loop = new WorkLoop({
      name: 'suspended clients',
      step: async () => {
        await this.look();
        return 'idle';
      },
      idleMs,
      wakeUp: changed,
      log,
    });
  }

  has(clientId: string): boolean {
    return this.known.has(clientId);
  }

  find(clientId: string): SuspendedClient | undefined {
    return this.known.get(clientId);
  }

  all(): SuspendedClient[] {
    return [...this.known.values()];
  }

  /** Before the first request: the process must not start as if no client were suspended. */
  async start(): Promise<void> {
    await this.look();
    this.loop.start();
  }

  async stop(): Promise<void> {
    await this.loop.stop();
  }

  state(): LoopState {
    return this.loop.state();
  }

  /** What this process has just changed: known here when it returns, and told to the others. */
  async noteChange(): Promise<void> {
    await this.look();
    this.changed.raise();
  }

  private async look(): Promise<void> {
    this.looks += 1;
    const nth = this.looks;
    const suspended = await this.store.all();
    if (nth < this.latest) return;
    this.latest = nth;
    this.known = new Map(suspended.map((client) => [client.client_id, client]));
  }
}
