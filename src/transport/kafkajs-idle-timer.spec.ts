import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { mendIdleTimer } from './kafkajs-idle-timer';

interface Queue {
  pending: { correlationId: number; pendingDuration: number }[];
  maybeThrottle(ms: number): void;
  checkPendingRequests(): void;
  throttleCheckTimeoutId: unknown;
}

function openQueue(): Queue {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- as the code under test
  const RequestQueue = require('kafkajs/src/network/requestQueue') as new (options: object) => Queue;
  return new RequestQueue({ maxInFlightRequests: 1, logger: { debug: () => undefined } });
}

describe('the queue of requests of kafkajs', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('rests while nothing waits', () => {
    jest.useFakeTimers();
    mendIdleTimer();
    openQueue().checkPendingRequests();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('looks again when a pause that the broker asked for is over', () => {
    jest.useFakeTimers();
    mendIdleTimer();
    const queue = openQueue();
    queue.maybeThrottle(500);
    queue.checkPendingRequests();
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(501);
    expect(jest.getTimerCount()).toBe(0);
  });
});
