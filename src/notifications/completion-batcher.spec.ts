import { describe, expect, it } from '@jest/globals';
import { CompletionBatcher, type Outcome } from './completion-batcher';
import type { ClaimedDelivery } from './delivery';
import type { DeliveryQueue } from './delivery-queue.store';
import type { EndpointStore } from './endpoint.store';

const outcome: Outcome = {
  delivery: { delivery_id: 'one', endpoint_id: 1, is_probe: false } as ClaimedDelivery,
  completion: {
    state: 'delivered',
    attempt: { at: new Date('2026-03-01T12:00:00Z'), status: 204, error: null, durationMs: 5 },
    isCounted: true,
  },
  endpoint: 'well',
  askedPauseS: 0,
};

/** Refuses with each of these in turn, and records then. */
function recorder(...failures: Error[]) {
  let statements = 0;
  const complete = () => {
    statements += 1;
    const failure = failures.shift();
    return failure ? Promise.reject(failure) : Promise.resolve(new Set(['one']));
  };
  const queue = { complete } as unknown as DeliveryQueue;
  const completions = new CompletionBatcher(queue, {} as EndpointStore, () => new Date());
  return { completions, statements: () => statements };
}

const refusal = (code: string) => Object.assign(new Error('refused'), { code });

describe('the outcomes of tries', () => {
  it.each([
    ['a deadlock', '40P01'],
    ['a month made meanwhile', '23514'],
    ['an outage', '57P03'],
  ])('are recorded all the same after %s: what was sent must not be sent again', async (_what, code) => {
    const { completions, statements } = recorder(refusal(code));
    await expect(completions.record(outcome)).resolves.toBe(true);
    expect(statements()).toBe(2);
  });

  it('are not tried again after a fault of ours', async () => {
    const { completions, statements } = recorder(refusal('42703'));
    await expect(completions.record(outcome)).rejects.toThrow('refused');
    expect(statements()).toBe(1);
  });
});
