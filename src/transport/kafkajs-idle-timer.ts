/** The part of kafkajs's queue of requests that matters here; its types do not show it. */
interface RequestQueue {
  pending: unknown[];
  throttledUntil: number;
  scheduleCheckPendingRequests(): void;
}

let isMended = false;

/**
 * kafkajs 2.2.4 looks for waiting requests again and again on each connection, also when none wait: with nothing to wait for its
 * timer has a negative delay, and so comes every millisecond for ever, some 4 % of a core. Here it looks only while something
 * waits or the broker has asked for a pause; each new request and each answer looks by itself.
 */
export function mendIdleTimer(): void {
  if (isMended) return;
  isMended = true;
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the class is not exported; the version is pinned
  const { prototype } = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue };
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    // eslint-disable-next-line no-restricted-syntax -- the moment is compared with one that kafkajs took from the machine
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
  };
}
