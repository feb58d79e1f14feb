import { CompletionBatcher } from '../../../src/notifications/completion-batcher';
import type { ClaimedDelivery } from '../../../src/notifications/delivery';
import { type AttemptParts, DeliveryAttempt } from '../../../src/notifications/delivery.attempt';
import { DeliveryHand, type HeldDelivery } from '../../../src/notifications/delivery-hand';
import type { Call, SimulatedWorld } from './simulated-world';
import type { Reply } from './endpoint-plan';

/** Leases are the database's, by its real clock: none runs out by itself while the virtual one runs. */
const leaseMs = 3_600_000;
const keptMs = Number.MAX_SAFE_INTEGER;
const lostMs = 0;

/**
 * A worker of the engine: its deciding and its recording parts as they are, without its loops, for its turn comes when the
 * virtual clock says so. It can be killed, and frozen.
 */
export class SimulatedWorker {
  private readonly hand = new DeliveryHand();
  private readonly attempts: DeliveryAttempt;
  private readonly completions: CompletionBatcher;
  private underWay = 0;
  private awaitingReply = 0;
  private state: 'alive' | 'frozen' | 'dead' = 'alive';
  private thawed: Promise<void> = Promise.resolve();
  private thaw: () => void = () => undefined;

  constructor(private readonly world: SimulatedWorld) {
    const client = { send: (call: Call) => this.send(call) } as unknown as AttemptParts['client'];
    this.attempts = new DeliveryAttempt({ ...world.attemptParts, client });
    this.completions = new CompletionBatcher(world.queue, world.endpoints, () => world.clock.now());
  }

  get isAlive(): boolean {
    return this.state === 'alive';
  }

  /** Claims and begins what it has room for. @returns how many it claimed */
  async turn(): Promise<number> {
    const now = this.world.clock.now();
    const room = this.hand.room(now.getTime());
    if (!this.isAlive || !room) return 0;
    const claimed = await this.world.queue.claimDue(now, room, leaseMs);
    this.hand.take(claimed, keptMs, now.getTime());
    this.begin();
    return claimed.length;
  }

  /** Until everything whose answer has come is recorded. */
  async settle(): Promise<void> {
    while (this.isAlive && this.underWay > this.awaitingReply) await new Promise((resolve) => setImmediate(resolve));
  }

  /** For ever. @returns what it had in hand, which is nobody's until the leases are over */
  kill(): ClaimedDelivery[] {
    this.state = 'dead';
    return this.inHand();
  }

  /** Stands still: answers come, and nobody sees them. @returns what it has in hand */
  freeze(): ClaimedDelivery[] {
    this.state = 'frozen';
    this.thawed = new Promise((resolve) => (this.thaw = resolve));
    return this.inHand();
  }

  /** Goes on, long after its leases were over: what it says now counts no more. */
  wakeUp(): void {
    for (const one of this.hand.expiringBefore(Number.POSITIVE_INFINITY)) one.leaseUntilMs = lostMs;
    this.state = 'alive';
    this.thaw();
  }

  private inHand(): ClaimedDelivery[] {
    return this.hand.expiringBefore(Number.POSITIVE_INFINITY).map(({ delivery }) => delivery);
  }

  private begin(): void {
    for (const one of this.hand.begin(this.world.clock.now().getTime())) void this.deliver(one);
  }

  private async deliver(one: HeldDelivery): Promise<void> {
    this.underWay += 1;
    try {
      const outcome = await this.attempts.make(one.delivery, () => one.leaseUntilMs !== lostMs);
      this.hand.called(one, outcome?.endpoint ?? 'none', this.world.clock.now().getTime());
      this.begin();
      if (outcome) await this.completions.record(outcome);
      else await this.world.queue.giveBack([one.delivery]);
    } catch (error) {
      this.world.broken(error);
    }
    this.hand.drop(one);
    this.underWay -= 1;
    this.world.ended += 1;
  }

  private async send(call: Call): Promise<Reply['answer']> {
    this.awaitingReply += 1;
    const answer = await this.world.call(this, call);
    // Of a dead one nothing goes on, ever.
    if (this.state === 'dead') return new Promise<never>(() => undefined);
    if (this.state === 'frozen') await this.thawed;
    this.awaitingReply -= 1;
    return answer;
  }
}
