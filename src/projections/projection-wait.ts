import { positionText } from '../event-store';
import type { Signal } from '../platform';
import { Refused } from '../refusals';
import type { ProjectionStore } from './projection.store';
import { subscriptions } from './subscription-view.store';

const waitMaxMs = 5_000;
/** Between two looks; a signal ends it early. */
const pollMs = { heard: 250, unheard: 25 };
/** Readers waiting at once; one more is told to come back. */
const waitersMax = 1_000;

/** Lets a reader see its own write: waits until the projection has reached a position (contract.md 4, `wait_for`). */
export class ProjectionWait {
  private waiters = 0;
  /** One question to the database serves all who wait in this moment. */
  private asking?: Promise<string>;

  constructor(
    private readonly projections: ProjectionStore,
    private readonly moved: Signal,
  ) {}

  /** @throws Refused `projection_behind` after 5 s, `unavailable` when too many wait. */
  async until(position: string): Promise<void> {
    if (this.waiters >= waitersMax)
      throw new Refused('unavailable', 'Too many readers are waiting for the projection.');
    this.waiters += 1;
    try {
      await this.reached(position);
    } finally {
      this.waiters -= 1;
    }
  }

  private async reached(position: string): Promise<void> {
    const end = performance.now() + waitMaxMs;
    for (;;) {
      // Listened to before the question is asked: a move in between must not be missed.
      const movedOrLater = this.nextMove();
      if ((await this.position()) >= position) return;
      if (performance.now() >= end) throw new Refused('projection_behind');
      await movedOrLater;
    }
  }

  private position(): Promise<string> {
    this.asking ??= this.projections
      .position(subscriptions)
      .then(positionText)
      .finally(() => (this.asking = undefined));
    return this.asking;
  }

  private nextMove(): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.moved.off(end);
        resolve();
      };
      const timer = setTimeout(end, this.moved.isShared ? pollMs.heard : pollMs.unheard);
      this.moved.on(end);
    });
  }
}
