import { describe, expect, it } from '@jest/globals';
import type { ClaimedDelivery } from './delivery';
import { type CallResult, DeliveryHand, handLimits, type HeldDelivery } from './delivery-hand';

const leaseMs = 8_000;
let made = 0;
const claimed = (endpointId: number, attempts = 0): ClaimedDelivery =>
  ({ delivery_id: String((made += 1)), endpoint_id: endpointId, attempts }) as ClaimedDelivery;
const several = (count: number, endpointId: number, attempts = 0) =>
  Array.from({ length: count }, () => claimed(endpointId, attempts));

function handOf(...deliveries: ClaimedDelivery[]): DeliveryHand {
  const hand = new DeliveryHand();
  hand.take(deliveries, leaseMs, 0);
  return hand;
}

/** Calls to one endpoint that all end like this, one after the other. */
function practise(hand: DeliveryHand, endpointId: number, count: number, result: CallResult): void {
  for (let n = 0; n < count; n += 1) {
    hand.take([claimed(endpointId)], leaseMs, 0);
    const [one] = hand.begin(0);
    hand.called(one!, result, 0);
    hand.drop(one!);
  }
}

const countsOf = (begun: readonly HeldDelivery[]) => {
  const counts = new Map<number, number>();
  for (const { delivery } of begun) counts.set(delivery.endpoint_id, (counts.get(delivery.endpoint_id) ?? 0) + 1);
  return counts;
};

describe('what a process has in hand', () => {
  it('begins with few calls to an endpoint, more with each good answer, fewer after each failure', () => {
    const calls = (hand: DeliveryHand) => {
      hand.take(several(40, 1), leaseMs, 0);
      return hand.begin(0).length;
    };
    expect(calls(new DeliveryHand())).toBe(4);
    for (const [count, result, expected] of [
      [3, 'well', 7],
      [100, 'well', 16],
      [1, 'failed', 2],
      [9, 'failed', 1],
    ] as const) {
      const hand = new DeliveryHand();
      practise(hand, 1, count, result);
      expect([count, result, calls(hand)]).toEqual([count, result, expected]);
    }
  });

  it('goes round the endpoints, so that none with much to send stands in front of another', () => {
    const hand = handOf(...several(300, 1), ...several(2, 2), claimed(3));
    expect(hand.begin(0).map(({ delivery }) => delivery.endpoint_id)).toEqual([1, 2, 3, 1, 2, 1, 1]);
  });

  it('leaves every endpoint its part of all calls, also when half of them hang while they were known to answer', () => {
    const hand = new DeliveryHand();
    const endpoints = Array.from({ length: 64 }, (_, n) => n);
    for (const id of endpoints) practise(hand, id, 20, 'well');
    const hanging = endpoints.slice(0, 32);
    hand.take(
      hanging.flatMap((id) => several(20, id)),
      leaseMs,
      0,
    );
    hand.begin(0);
    hand.take(
      endpoints.slice(32).flatMap((id) => several(4, id)),
      leaseMs,
      0,
    );
    expect(hand.begin(0)).toHaveLength(32 * 4);
  });

  it('lets nobody wait for ever where there are more endpoints than calls, each with more to send than it may', () => {
    const hand = new DeliveryHand();
    const endpoints = Array.from({ length: handLimits.calls + 20 }, (_, id) => id);
    for (const id of endpoints) hand.take(several(2, id), leaseMs, 0);
    const begun = hand.begin(0);
    for (let n = 0; n < 20; n += 1) {
      const { delivery } = begun[n]!;
      hand.called(begun[n]!, 'well', 0);
      hand.drop(begun[n]!);
      hand.take([claimed(delivery.endpoint_id)], leaseMs, 0);
      begun.push(...hand.begin(0));
    }
    expect(countsOf(begun).size).toBe(endpoints.length);
  });

  it('never has more calls under way than it may', () => {
    const hand = new DeliveryHand();
    for (let id = 0; id < 400; id += 1) hand.take([claimed(id), claimed(id)], leaseMs, 0);
    expect(hand.begin(0)).toHaveLength(handLimits.calls);
    expect(hand.begin(0)).toEqual([]);
  });

  it('keeps half of the places for what was never tried, and half of the calls for endpoints that answer', () => {
    const hand = new DeliveryHand();
    practise(hand, 3, 1, 'well');
    hand.take([...several(100, 1, 1), ...several(20, 2), ...several(9, 3)], leaseMs, 0);
    expect(hand.room(0)).toMatchObject({
      total: handLimits.deliveries - 129,
      tried: handLimits.deliveries / 2 - 100,
      unproven: handLimits.calls / 2 - 120,
    });
    const full = handOf(...several(handLimits.deliveries, 1, 1));
    expect(full.room(0)).toBeUndefined();
  });

  it('claims ahead for an endpoint that answers, and for no other', () => {
    const hand = new DeliveryHand();
    practise(hand, 1, 50, 'well');
    practise(hand, 2, 1, 'failed');
    expect(hand.room(0)!.rooms).toEqual(
      new Map([
        [1, { size: 64, calls: 16, isProven: true }],
        [2, { size: 2, calls: 2, isProven: false }],
      ]),
    );
    hand.take([...several(70, 1), claimed(2)], leaseMs, 0);
    expect([...hand.room(0)!.rooms.values()].map(({ size }) => size)).toEqual([0, 1]);
  });

  it('has a place free as soon as a call is over, and the delivery in hand until its outcome is recorded', () => {
    const hand = handOf(...several(5, 1));
    const [first, ...others] = hand.begin(0);
    expect(others).toHaveLength(3);
    hand.called(first!, 'none', 0);
    expect([hand.begin(0).length, hand.size]).toEqual([1, 5]);
    hand.drop(first!);
    hand.drop(first!);
    expect(hand.size).toBe(4);
  });

  it('knows whose lease is running out, and gives back what has not begun', () => {
    const hand = handOf(...several(6, 1));
    hand.take(several(1, 2), 2 * leaseMs, 0);
    const begun = hand.begin(0);
    expect(hand.expiringBefore(leaseMs + 1)).toHaveLength(6);
    expect(countsOf(hand.removeWaiting())).toEqual(new Map([[1, 2]]));
    expect(hand.size).toBe(begun.length);
  });

  it('forgets an endpoint that it has not needed for a while', () => {
    const hand = new DeliveryHand();
    practise(hand, 1, 1, 'well');
    expect(hand.room(59_000)!.rooms.size).toBe(1);
    expect(hand.room(61_000)!.rooms.size).toBe(0);
  });
});
