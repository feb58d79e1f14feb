import { LeaseCheck } from './lease-check';
import { type LoggedEvent, LogHistory, type Violation } from './log-history';
import { PublishedCheck, type RepeatLimits } from './published-check';
import { RequestCheck } from './request-check';
import { ToldCheck } from './told-check';
import { ViewCheck } from './view-check';
import { WriterCheck } from './writer-check';

/**
 * The properties that hold whoever was killed when (design.md 3), over what both sides saw: requests and writers on one, the
 * log, Kafka, the projection, leases and clients on the other. The log is fed first, in its order.
 */
export class HistoryCheck {
  readonly log = new LogHistory();
  readonly requests = new RequestCheck(this.log);
  readonly writers = new WriterCheck(this.log);
  readonly published = new PublishedCheck(this.log);
  readonly view = new ViewCheck();
  readonly told = new ToldCheck(this.log);
  readonly leases = new LeaseCheck();

  logged(event: LoggedEvent): void {
    this.log.add(event);
    this.view.logged(event);
  }

  /** Everything that is wrong, once all has been fed, and how often each property is broken. */
  violations(limits: RepeatLimits): { list: Violation[]; count: number } {
    const found = [
      this.log.violations,
      this.requests.finish(),
      this.writers.finish(),
      this.published.finish(limits),
      this.view.finish(),
      this.told.finish(),
      this.leases.finish(),
    ];
    return {
      list: found.flatMap(({ list }) => list),
      count: found.reduce((sum, { count }) => sum + count, 0),
    };
  }
}
