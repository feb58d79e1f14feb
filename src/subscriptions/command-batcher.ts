import type { EventStore } from '../event-store';
import { isOutage, type TraceSpan } from '../platform';
import { Refused } from '../refusals';
import { carryOut, type WhichAreSuspended } from './order-book';
import type { Order, OrderResult } from './order';

/** Orders in one commit. */
const batchMax = 200;
/**
 * Commits under way at once: one is decided while another waits for the disk. Two, because a batch costs nearly the same
 * whatever its size: with four, eight callers made batches of two and each command cost twice the processor time.
 */
const batchesInFlightMax = 2;
/** Orders waiting; one more is answered at once with `unavailable`. */
const waitingMax = 5_000;
/** Times an order is decided anew because somebody else was first. */
const attemptsMax = 10;

/** Told of every order that has its answer and of every batch that has been carried out. */
export interface BatchWatch {
  begin(order: Order): TraceSpan | undefined;
  ended(order: Order, outcome: OrderOutcome, span: TraceSpan | undefined): void;
  carriedOut(batch: CarriedOut): void;
}

/** `recorded`: something happened; `unchanged`: it was so already, or a repeat. */
export type OrderOutcome = 'recorded' | 'unchanged' | 'refused' | 'failed';

export interface CarriedOut {
  orders: readonly Order[];
  /** Those that have to be decided anew, because somebody else was first. */
  again: number;
  failed: boolean;
  /** Of the order that waited longest, from its submission to the start of the batch. */
  waitedMs: number;
  durationMs: number;
}

interface Waiting {
  order: Order;
  key: string;
  attempts: number;
  submittedMs: number;
  span: TraceSpan | undefined;
  resolve: (result: OrderResult) => void;
  reject: (error: unknown) => void;
}

/**
 * Gathers concurrent orders into one append. A lone order goes at once, with those of its turn of the event loop; while batches
 * are under way, what comes in waits and goes together. At most one order a person and a stream in a batch, for each must be decided on what the other did.
 */
export class CommandBatcher {
  private waiting: Waiting[] = [];
  private inFlight = 0;
  private isSending = false;
  private readonly busy = new Set<string>();

  constructor(
    private readonly eventStore: EventStore,
    private readonly clients: WhichAreSuspended,
    private readonly watch?: BatchWatch,
  ) {}

  /** @throws Refused, or the database's error when it is away. */
  submit(order: Order): Promise<OrderResult> {
    if (this.waiting.length >= waitingMax) {
      return Promise.reject(new Refused('unavailable', 'Too many requests are waiting already.'));
    }
    return new Promise((resolve, reject) => {
      const [submittedMs, span] = [performance.now(), this.watch?.begin(order)];
      this.waiting.push({ order, key: batchKey(order), attempts: 0, submittedMs, span, resolve, reject });
      this.sendSoon();
    });
  }

  /** Orders waiting and batches under way. */
  state(): { waiting: number; batchesInFlight: number } {
    return { waiting: this.waiting.length, batchesInFlight: this.inFlight };
  }

  /**
   * At the end of this turn of the event loop, so that callers who were all answered just now do not go one alone and the others
   * behind it: with eight of them it is 0.58 against 0.80 of the bare loop (bench append).
   */
  private sendSoon(): void {
    if (this.isSending) return;
    this.isSending = true;
    setImmediate(() => {
      this.isSending = false;
      this.sendNext();
    });
  }

  private sendNext(): void {
    while (this.inFlight < batchesInFlightMax && this.waiting.length > 0) {
      const batch = this.takeBatch();
      if (batch.length === 0) return;
      this.inFlight += 1;
      void this.carryOut(batch).finally(() => {
        this.inFlight -= 1;
        for (const { key } of batch) this.busy.delete(key);
        this.sendSoon();
      });
    }
  }

  private takeBatch(): Waiting[] {
    const batch: Waiting[] = [];
    const later: Waiting[] = [];
    for (const item of this.waiting) {
      if (batch.length < batchMax && !this.busy.has(item.key)) {
        this.busy.add(item.key);
        batch.push(item);
      } else {
        later.push(item);
      }
    }
    this.waiting = later;
    return batch;
  }

  private async carryOut(batch: Waiting[]): Promise<void> {
    const startedMs = performance.now();
    try {
      const outcomes = await carryOut(
        batch.map(({ order }) => order),
        this.eventStore,
        this.clients,
      );
      const again: Waiting[] = [];
      batch.forEach((item, index) => {
        const outcome = outcomes[index]!;
        if (outcome === 'again') again.push(item);
        else if ('error' in outcome) this.fail(item, outcome.error);
        else this.answer(item, outcome.result);
      });
      this.putBack(again);
      this.tell(batch, startedMs, again.length);
    } catch (error) {
      if (batch.length === 1 || isOutage(error)) {
        for (const item of batch) this.fail(item, error);
        this.tell(batch, startedMs, 0, true);
        return;
      }
      // A bug in one order must not fail its neighbours: each by itself, then.
      for (const item of batch) await this.carryOut([item]);
    }
  }

  private putBack(items: Waiting[]): void {
    const [tooOften, again] = [
      items.filter(({ attempts }) => attempts + 1 >= attemptsMax),
      items.filter(({ attempts }) => attempts + 1 < attemptsMax),
    ];
    for (const item of tooOften)
      this.fail(item, new Refused('unavailable', 'The subscription is being changed by too many requests at once.'));
    this.waiting.unshift(...again.map((item) => ({ ...item, attempts: item.attempts + 1 })));
  }

  private answer({ order, span, resolve }: Waiting, result: OrderResult): void {
    this.watch?.ended(order, result.recorded ? 'recorded' : 'unchanged', span);
    resolve(result);
  }

  private fail({ order, span, reject }: Waiting, error: unknown): void {
    this.watch?.ended(order, error instanceof Refused ? 'refused' : 'failed', span);
    reject(error);
  }

  private tell(batch: Waiting[], startedMs: number, again: number, failed = false): void {
    const longestMs = Math.max(...batch.map(({ submittedMs }) => startedMs - submittedMs));
    this.watch?.carriedOut({
      orders: batch.map(({ order }) => order),
      again,
      failed,
      waitedMs: longestMs,
      durationMs: performance.now() - startedMs,
    });
  }
}

function batchKey({ target }: Order): string {
  return 'streamId' in target ? target.streamId : target.subjectHash.toString('base64');
}
