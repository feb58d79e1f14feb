import { type Logger, type StepOutcome, WorkLoop } from '../platform';
import type { ClientIdentity } from './client-identity';
import { budgetMs, OriginPool, type OriginParts } from './origin-pool.client';

/** Pools kept at most; the one longest unused goes first. */
const poolsMax = 500;
/** A pool that nobody asked for anything is closed after this long, and with it the session it kept. */
const poolIdleMaxMs = 600_000;
/** How soon sockets follow what the lists and our certificate files say. */
const lookAgainMs = 1_000;

/**
 * All connections to clients, a pool for each origin and identity of ours. Looks every second whether they may stay: what left
 * the lists ends at once, what belongs to an identity of before is drained, what nobody uses is closed.
 */
export class ConnectionPools {
  private readonly pools = new Map<string, OriginPool>();
  /** Draining pools and when their last call must be over. */
  private readonly draining = new Map<OriginPool, number>();
  private readonly loop: WorkLoop;

  constructor(
    private readonly parts: OriginParts,
    log: Logger,
  ) {
    this.loop = new WorkLoop({ name: 'client-connections', step: () => this.look(), idleMs: lookAgainMs, log });
  }

  start(): void {
    this.loop.start();
  }

  /** Ends everything that is open. */
  async stop(): Promise<void> {
    await this.loop.stop();
    await Promise.all([...this.pools.values(), ...this.draining.keys()].map((pool) => pool.destroy(null)));
    this.pools.clear();
    this.draining.clear();
  }

  open(): { pools: number; sockets: number } {
    const all = [...this.pools.values(), ...this.draining.keys()];
    return { pools: all.length, sockets: all.reduce((sum, { socketCount }) => sum + socketCount, 0) };
  }

  /** The pool of this origin and identity, which is now the one most recently used. */
  of(url: URL, identity: ClientIdentity): OriginPool {
    const key = `${identity.fingerprint} ${url.origin}`;
    const pool = this.pools.get(key) ?? new OriginPool(url, identity, this.parts);
    this.pools.delete(key);
    this.pools.set(key, pool);
    if (this.pools.size > poolsMax) this.drain(...this.pools.entries().next().value!);
    return pool;
  }

  private async look(): Promise<StepOutcome> {
    if (this.pools.size > 0) {
      const identity = await this.parts.conditions.identityOrReason();
      const fingerprint = 'heldBackBy' in identity ? undefined : identity.fingerprint;
      for (const [key, pool] of this.pools) {
        if (pool.identity.fingerprint !== fingerprint || pool.unusedMs() > poolIdleMaxMs) this.drain(key, pool);
      }
    }
    await this.endWhatLeftTheLists();
    for (const [pool, overAt] of this.draining) {
      if (performance.now() < overAt) continue;
      this.draining.delete(pool);
      await pool.destroy(null);
    }
    return 'idle';
  }

  private drain(key: string, pool: OriginPool): void {
    this.pools.delete(key);
    this.draining.set(pool, performance.now() + budgetMs);
    void pool.drain().finally(() => this.draining.delete(pool));
  }

  private async endWhatLeftTheLists(): Promise<void> {
    const { conditions } = this.parts;
    for (const [key, pool] of this.pools) {
      const refusal = conditions.refusalOf(pool.host);
      if (!refusal) continue;
      this.pools.delete(key);
      await pool.destroy(refusal);
    }
    for (const pool of this.draining.keys()) {
      const refusal = conditions.refusalOf(pool.host);
      if (!refusal) continue;
      this.draining.delete(pool);
      await pool.destroy(refusal);
    }
  }
}
