import { randomUUID } from 'node:crypto';
import type { CheckpointStore, Lease } from './checkpoint.store';
import { LeaseLost } from './checkpoint.store';
import type { Position } from './stored-event';

/** Takeover after a crash takes at most this long plus one poll; renewals run several times within it. */
const leaseMs = 4_000;
const renewEveryMs = 1_000;

/**
 * One process's hold on a lease: taken when free, renewed on a timer of its own so that a long step does not lose it, given
 * back on stop. What is done under it is guarded by its fence, not by the timer.
 */
export class HeldLease {
  private readonly owner = randomUUID();
  private held?: Lease;
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly checkpoints: CheckpointStore,
    readonly name: string,
  ) {}

  current(): Lease | undefined {
    return this.held;
  }

  /** Takes the lease if it is free. Returns the checkpoint to go on from, or undefined while another process holds it. */
  async take(): Promise<Position | undefined> {
    const taken = await this.checkpoints.acquire(this.name, this.owner, leaseMs);
    if (!taken) return undefined;
    this.held = taken.lease;
    clearInterval(this.timer);
    this.timer = setInterval(() => void this.renew(taken.lease), renewEveryMs);
    return taken.checkpoint;
  }

  /** Forgets the lease without giving it back: after a failure, what it guarded is read anew under a new fence. */
  drop(): void {
    clearInterval(this.timer);
    this.held = undefined;
  }

  async giveBack(): Promise<void> {
    const lease = this.held;
    this.drop();
    if (lease) await this.checkpoints.release(lease);
  }

  private async renew(lease: Lease): Promise<void> {
    try {
      await this.checkpoints.renew(lease, leaseMs);
    } catch (error) {
      // Lost for certain: stop using it. While the database is away nobody else can take it, so the hold is kept.
      if (error instanceof LeaseLost && this.held === lease) this.drop();
    }
  }
}
