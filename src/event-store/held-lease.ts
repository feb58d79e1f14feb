import { randomUUID } from 'node:crypto';
import type { CheckpointStore, Lease } from './checkpoint.store';
import { LeaseLost } from './checkpoint.store';
import type { Position } from './stored-event';

/** Takeover after a crash takes at most this long; renewals run several times within it. */
const leaseMs = 4_000;
const renewEveryMs = 1_000;
/** Looking whether a lease is free: at its end, and where its release would not be heard also meanwhile. */
const waitMs = { min: 10, maxUnheard: 500 };

/**
 * One process's hold on a lease: taken when free, renewed on a timer of its own so that a long step does not lose it, given
 * back on stop. What is done under it is guarded by its fence, not by the timer.
 */
export class HeldLease {
  private readonly owner = randomUUID();
  private held?: Lease;
  /** By this process's own steady clock, which goes on while it is frozen. */
  private validUntilMs = 0;
  private timer?: NodeJS.Timeout;
  private renewing = false;

  constructor(
    private readonly checkpoints: CheckpointStore,
    readonly name: string,
  ) {}

  /** The lease, while nobody else can have it: one that was not renewed in time counts no more, whoever woke up late. */
  current(): Lease | undefined {
    return performance.now() < this.validUntilMs ? this.held : undefined;
  }

  /** Takes the lease if it is free. Returns the checkpoint to go on from, or undefined while another process holds it. */
  async take(): Promise<Position | undefined> {
    // One that ran out while this process stood still is given up first: its own renewals would keep it from us for ever.
    if (this.held) await this.giveBack();
    const askedAtMs = performance.now();
    const taken = await this.checkpoints.acquire(this.name, this.owner, leaseMs);
    if (!taken) return undefined;
    this.held = taken.lease;
    this.validUntilMs = askedAtMs + leaseMs;
    clearInterval(this.timer);
    this.timer = setInterval(() => void this.renew(taken.lease), renewEveryMs);
    return taken.checkpoint;
  }

  /** When to try again to take it while another process holds it. */
  async freeInMs(): Promise<number> {
    const ms = waitMs.min + (await this.checkpoints.freeInMs(this.name));
    return this.checkpoints.released.isShared ? ms : Math.min(ms, waitMs.maxUnheard);
  }

  /** Forgets the lease without giving it back: after a failure, what it guarded is read anew under a new fence. */
  drop(): void {
    clearInterval(this.timer);
    this.held = undefined;
  }

  async giveBack(): Promise<void> {
    const lease = this.held;
    this.drop();
    // While the database is away it cannot be given back: it runs out by itself, and whoever is stopping goes on stopping.
    if (lease) await this.checkpoints.release(lease).catch(() => undefined);
  }

  private async renew(lease: Lease): Promise<void> {
    // A renewal waits while a step saves its checkpoint; more of them would only fill the pool.
    if (this.renewing) return;
    this.renewing = true;
    const askedAtMs = performance.now();
    try {
      await this.checkpoints.renew(lease, leaseMs);
      if (this.held === lease) this.validUntilMs = askedAtMs + leaseMs;
    } catch (error) {
      // Lost for certain: stop using it. Any other failure is tried again; if it lasts, the lease runs out by itself.
      if (error instanceof LeaseLost && this.held === lease) this.drop();
    } finally {
      this.renewing = false;
    }
  }
}
