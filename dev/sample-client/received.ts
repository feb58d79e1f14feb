import type { Notification } from './notification';

export type ReceivedNotification = Notification & {
  readonly received_at: string;
  readonly request_id: string | null;
  readonly correlation_id: string | null;
};

const keptMax = 1000;

/** The newest notifications, in memory: this client forgets everything when it stops. */
export class Received {
  private items: ReceivedNotification[] = [];
  private readonly listeners = new Set<(item: ReceivedNotification) => void>();

  add(item: ReceivedNotification): void {
    this.items = [item, ...this.items].slice(0, keptMax);
    this.listeners.forEach((tell) => tell(item));
  }

  newestFirst(): readonly ReceivedNotification[] {
    return this.items;
  }

  /** Gives the function that ends the listening. */
  onAdded(tell: (item: ReceivedNotification) => void): () => void {
    this.listeners.add(tell);
    return () => this.listeners.delete(tell);
  }
}
