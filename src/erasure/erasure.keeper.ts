import type { AuditTrail } from '../audit';
import { type CheckpointStore, HeldLease } from '../event-store';
import { type Clock, type Logger, type LoopState, type StepOutcome, WorkLoop } from '../platform';
import type { ErasureOrder, ErasureStore } from './erasure.store';
import type { PersonErasure } from './person-erasure';

const idleMs = 5_000;
/** Whoever answers an operator has come to the end, or given up, after this time. */
const leftAloneMs = 60_000;
/** Orders of one step. */
const pageSize = 100;
/**
 * For so long after the identity is gone we look whether a subscription turns up that was on its way when it went: an order reads
 * who a person is before it is recorded, and no request of ours takes nearly as long.
 */
const lookedAfterMs = 24 * 60 * 60 * 1000;

const beforeAll = '00000000-0000-0000-0000-000000000000';

/** Goes on with orders to erase that were left half-way, and ends what turns up late; in one process at a time by lease. */
export class ErasureKeeper {
  private readonly lease: HeldLease;
  private readonly loop: WorkLoop;
  /** Of the persons erased lately, the last one looked after in this round. */
  private after = beforeAll;

  constructor(
    checkpoints: CheckpointStore,
    private readonly store: ErasureStore,
    private readonly erasure: PersonErasure,
    private readonly trail: Pick<AuditTrail, 'write'>,
    private readonly clock: Clock,
    log: Logger,
  ) {
    this.lease = new HeldLease(checkpoints, 'erasure');
    this.loop = new WorkLoop({
      name: 'erasure',
      step: () => this.step(),
      idleMs,
      wakeUp: checkpoints.released,
      log,
    });
  }

  start(): void {
    this.loop.start();
  }

  async stop(): Promise<void> {
    await this.loop.stop();
    await this.lease.giveBack();
  }

  state(): LoopState {
    return this.loop.state();
  }

  private async step(): Promise<StepOutcome> {
    if (!this.lease.current() && !(await this.lease.take())) return { againInMs: await this.lease.freeInMs() };
    const unfinished = await this.store.unfinished(this.ago(leftAloneMs), pageSize);
    const failures = await this.each(unfinished, (order) => this.goOn(order));
    await this.store.forget(this.ago(lookedAfterMs));
    const erased = await this.store.finished(this.after, pageSize);
    failures.push(...(await this.each(erased, (order) => this.erasure.endRunning(order))));
    this.after = erased.length === pageSize ? erased.at(-1)!.personId : beforeAll;
    if (failures.length > 0) throw new Error('A person could not be erased.', { cause: failures[0] });
    return erased.length === pageSize ? 'more' : 'idle';
  }

  /** The operator was told that it is not done yet, so the trail says when it is. */
  private async goOn(order: ErasureOrder): Promise<void> {
    const ended = await this.erasure.carryOut(order);
    const { personId, trace } = order;
    await this.trail.write({
      at: this.clock.now(),
      who: 'system',
      what: 'persons.erase',
      outcome: 'done',
      request_id: trace.causation_id,
      correlation_id: trace.correlation_id,
      details: { person_id: personId, ended },
    });
  }

  /** One that fails does not keep the others waiting; it is tried again at the next step. @returns why some failed */
  private async each(
    orders: readonly ErasureOrder[],
    work: (order: ErasureOrder) => Promise<unknown>,
  ): Promise<unknown[]> {
    const failures: unknown[] = [];
    for (const order of orders) {
      try {
        await work(order);
      } catch (cause) {
        failures.push(cause);
      }
    }
    return failures;
  }

  private ago(ms: number): Date {
    return new Date(this.clock.now().getTime() - ms);
  }
}
