import { setTimeout as pause } from 'node:timers/promises';
import { isOutage, sqlState } from '../platform';
import type { Calls } from './breaker';
import type { ClaimedDelivery, Completion } from './delivery';
import type { DeliveryQueue } from './delivery-queue.store';
import type { EndpointStore } from './endpoint.store';

/** One try, as it is to be recorded. */
export interface Outcome {
  delivery: ClaimedDelivery;
  completion: Completion;
  /** What the call says of its endpoint; none when there was no call. */
  endpoint: 'well' | 'failed' | 'none';
  /** `Retry-After`, in seconds. */
  askedPauseS: number;
}

interface Waiting extends Outcome {
  resolve: (counted: boolean) => void;
  reject: (error: unknown) => void;
}

/** Outcomes in one statement at most. */
const batchMax = 250;
/** How long the first of a batch waits for others. */
const gatherMs = 3;
/** Statements under way at once: while one commits, the next one is gathered. */
const statementsMax = 2;
/** An outage is sat out this often, with this pause; then the leases have run out, and others send again. */
const outage = { retriesMax: 20, pauseMs: 250 };
/** Of these the same statement is well the next time. */
const passingStates = new Set([
  // check_violation: the row was on its way to the strays while its month was attached; now it goes there.
  '23514',
  // deadlock_detected: the other one has gone on. Given up, every notification of the statement would be sent again.
  '40P01',
]);

/** Gathers the outcomes of a process into one statement: one commit for many. */
export class CompletionBatcher {
  private waiting: Waiting[] = [];
  private underWay = 0;
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly queue: DeliveryQueue,
    private readonly endpoints: EndpointStore,
    private readonly now: () => Date,
  ) {}

  /** @returns whether the outcome counted; false when somebody else has claimed the delivery meanwhile. */
  record(outcome: Outcome): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ ...outcome, resolve, reject });
      if (this.waiting.length >= batchMax) this.flush();
      else this.timer ??= setTimeout(() => this.flush(), gatherMs);
    });
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.waiting.length === 0 || this.underWay >= statementsMax) return;
    const batch = this.waiting.splice(0, batchMax);
    this.underWay += 1;
    void this.write(batch).finally(() => {
      this.underWay -= 1;
      this.flush();
    });
  }

  private async write(batch: readonly Waiting[]): Promise<void> {
    try {
      const calls = callsOf(batch);
      const failed = new Map([...calls].filter(([, { well }]) => well === 0));
      const well = [...calls.keys()].filter((id) => !failed.has(id));
      const counted = await sittingOut(() => this.queue.complete(batch, well));
      for (const one of batch) one.resolve(counted.has(one.delivery.delivery_id));
      // Not part of the outcome: what it would have said is said again by the next failure.
      if (failed.size > 0) await this.endpoints.recordFailures(failed, this.now()).catch(() => undefined);
      const unsent = batch.filter(
        (one) => one.delivery.is_probe && one.endpoint === 'none' && one.completion.state !== 'pending',
      );
      const ids = unsent.map(({ delivery }) => delivery.endpoint_id);
      if (ids.length > 0) await this.endpoints.probeAnew(ids, this.now()).catch(() => undefined);
    } catch (error) {
      for (const one of batch) one.reject(error);
    }
  }
}

async function sittingOut<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let retries = 0; ; retries += 1) {
    try {
      return await work();
    } catch (error) {
      const passes = isOutage(error) || passingStates.has(sqlState(error) ?? '');
      if (!passes || retries >= outage.retriesMax) throw error;
      await pause(outage.pauseMs);
    }
  }
}

function callsOf(batch: readonly Outcome[]): Map<number, Calls> {
  const calls = new Map<number, Calls>();
  for (const { delivery, endpoint, askedPauseS } of batch) {
    if (endpoint === 'none') continue;
    const before = calls.get(delivery.endpoint_id) ?? { well: 0, failed: 0, probeFailed: false, askedPauseS: 0 };
    calls.set(delivery.endpoint_id, {
      well: before.well + Number(endpoint === 'well'),
      failed: before.failed + Number(endpoint === 'failed'),
      probeFailed: before.probeFailed || (endpoint === 'failed' && delivery.is_probe),
      askedPauseS: Math.max(before.askedPauseS, askedPauseS),
    });
  }
  return calls;
}
