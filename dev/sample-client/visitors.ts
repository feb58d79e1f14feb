import { randomBytes } from 'node:crypto';
import { hasEnded, dateOf } from '../../src/subscriptions/end-date';
import type { Authorization } from './authorization';
import { Bounded } from './bounded';
import type { ReceivedNotification } from './received';
import type { Grant, Standing } from './service.client';

/** A subscription that was begun at this browser; the grant it came with stays here on the server. */
export interface OwnSubscription extends Standing {
  readonly provider: string;
  readonly service_id: string;
  readonly grant: Grant;
}

const visitorsMax = 100;
const authorizationsMax = 20;
const subscriptionsMax = 50;

/** What this client knows of one browser. In memory: it forgets everything when it stops. */
export class Visitor {
  readonly authorizations = new Bounded<Authorization>(authorizationsMax);
  readonly subscriptions = new Bounded<OwnSubscription>(subscriptionsMax);

  /** What the provider's side tells by itself: a new end date, today or earlier when the subscription has ended. */
  learn({ subscription_id: id, end_date: endDate, received_at: receivedAt }: ReceivedNotification): void {
    const known = this.subscriptions.get(id);
    if (!known || endDate === undefined) return;
    const ended = hasEnded(endDate, dateOf(new Date(receivedAt)));
    const status = ended && known.status !== 'expired' ? 'terminated' : known.status;
    this.subscriptions.set(id, { ...known, end_date: endDate, status });
  }
}

/** Every browser by the random value of its cookie. */
export class Visitors {
  private readonly visitors = new Bounded<Visitor>(visitorsMax);

  of(cookie: string | undefined): Visitor | undefined {
    const visitor = cookie === undefined ? undefined : this.visitors.get(cookie);
    // When there are too many, those go who have not been here for the longest time.
    if (visitor) this.visitors.set(cookie!, visitor);
    return visitor;
  }

  /** A browser that comes for the first time; gives the value of its cookie. */
  welcome(): string {
    const cookie = randomBytes(32).toString('base64url');
    this.visitors.set(cookie, new Visitor());
    return cookie;
  }

  forget(cookie: string): void {
    this.visitors.delete(cookie);
  }

  learn(notification: ReceivedNotification): void {
    for (const visitor of this.visitors.values()) visitor.learn(notification);
  }
}
