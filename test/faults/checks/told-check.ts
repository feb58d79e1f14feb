import { type LogHistory, streamOfSubscription, Violations } from './log-history';

const told = new Set(['started', 'adjusted', 'terminated', 'expired']);

/** A notification as the client got it: the correlation id says which change it tells. */
export interface Notification {
  subscription: string;
  endDate: string;
  correlation: string;
}

/** What clients were told: every change at least once unless a newer one took its place, and never an older after a newer. */
export class ToldCheck {
  private readonly violations = new Violations();
  private readonly notifications: Notification[] = [];
  private readonly superseded = new Set<string>();
  private repeats = 0;

  constructor(private readonly log: LogHistory) {}

  /** In the order in which they came in. */
  notified(notification: Notification): void {
    this.notifications.push(notification);
  }

  /** The notification of this event was dropped for a newer one. */
  supersede(eventId: string): void {
    this.superseded.add(eventId);
  }

  get counts() {
    return { notifications: this.notifications.length, repeats: this.repeats, superseded: this.superseded.size };
  }

  finish(): Violations {
    const latest = new Map<string, number>();
    const known = new Set<string>();
    for (const { subscription, correlation } of this.notifications) {
      const stream = streamOfSubscription(subscription);
      const entry = this.log.entriesOf(stream).find((one) => isTold(one.type) && one.correlation === correlation);
      if (entry?.subscription !== subscription) {
        this.violations.add('told what happened', `${subscription} was told ${correlation}`, stream);
        continue;
      }
      const before = latest.get(subscription) ?? -1;
      if (entry.rank < before) {
        this.violations.add('told in order', `${subscription}: ${correlation} came after a newer one`, stream);
      }
      if (known.has(entry.id)) this.repeats += 1;
      known.add(entry.id);
      latest.set(subscription, Math.max(before, entry.rank));
    }
    const last = new Map<string, { id: string; stream: string }>();
    for (const { stream, version, entry } of this.log.all()) {
      if (!isTold(entry.type)) continue;
      last.set(entry.subscription, { id: entry.id, stream });
      if (known.has(entry.id) || this.superseded.has(entry.id)) continue;
      this.violations.add('every change is told', `version ${version} (${entry.correlation}) never was`, stream);
    }
    for (const [subscription, { id, stream }] of last) {
      if (known.has(id) || !this.superseded.has(id)) continue;
      this.violations.add('every change is told', `the last state of ${subscription} was dropped`, stream);
    }
    return this.violations;
  }
}

const isTold = (type: string) => told.has(type.split('.').at(-2)!);
