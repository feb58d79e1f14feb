import type { ClaimedDelivery } from './delivery';
import type { ClaimLimits, Room } from './delivery-queue.store';

/** What one process may have in hand: calls under way, and deliveries claimed in all, those whose outcome is being recorded too. */
export const handLimits = { calls: 256, deliveries: 768 };
/** Calls to one endpoint at once: how many at first, one more after each good answer, half after each failure. */
const endpointCalls = { first: 4, max: 16 };
/** Claimed for an endpoint that answers, for each call it may have under way: the next one need not wait for a claim. */
const claimedAheadPerCall = 4;
/** An endpoint without anything in hand is forgotten after this long, and begins anew. */
const forgottenAfterMs = 60_000;

/** A claimed delivery in this process. By the process's own steady clock: nothing is sent once `leaseUntilMs` is over. */
export interface HeldDelivery {
  readonly delivery: ClaimedDelivery;
  leaseUntilMs: number;
}

export type CallResult = 'well' | 'failed' | 'none';

interface Endpoint {
  calls: number;
  callsMax: number;
  /** Its last call was answered, by somebody who is well. */
  isProven: boolean;
  waiting: HeldDelivery[];
  usedAtMs: number;
}

/**
 * What one process has in hand, and whose turn it is: each endpoint has a share of the calls of its own, which grows while it
 * answers, so that those that hang cannot take the place of those that do not, and nothing comes back all at once after a
 * restart, a resumption or a closed breaker. Decides only; no clock, no I/O.
 */
export class DeliveryHand {
  private readonly held = new Map<string, HeldDelivery>();
  private readonly endpoints = new Map<number, Endpoint>();
  private calls = 0;
  private triedInHand = 0;

  get size(): number {
    return this.held.size;
  }

  /** What may be claimed now; undefined while the hand is full. */
  room(nowMs: number): ClaimLimits | undefined {
    this.forget(nowMs);
    const total = handLimits.deliveries - this.held.size;
    if (total <= 0) return undefined;
    const rooms = new Map<number, Room>();
    let unprovenInHand = 0;
    for (const [id, endpoint] of this.endpoints) {
      const inHand = endpoint.calls + endpoint.waiting.length;
      if (!endpoint.isProven) unprovenInHand += inHand;
      const ahead = endpoint.isProven ? claimedAheadPerCall : 1;
      const share = this.shareOf(endpoint);
      rooms.set(id, {
        size: Math.max(0, share * ahead - inHand),
        calls: Math.max(0, share - inHand),
        isProven: endpoint.isProven,
      });
    }
    return {
      total,
      // Half of the places are kept for what was never tried, and half of the calls for endpoints that answer.
      tried: Math.max(0, handLimits.deliveries / 2 - this.triedInHand),
      unproven: Math.max(0, handLimits.calls / 2 - unprovenInHand),
      room: endpointCalls.first,
      rooms,
    };
  }

  take(claimed: readonly ClaimedDelivery[], leaseUntilMs: number, nowMs: number): void {
    for (const delivery of claimed) {
      const one = { delivery, leaseUntilMs };
      this.held.set(delivery.delivery_id, one);
      if (delivery.attempts > 0) this.triedInHand += 1;
      const endpoint = this.endpointOf(delivery, nowMs);
      endpoint.waiting.push(one);
    }
  }

  /** The deliveries whose calls begin now: endpoints take turns. */
  begin(nowMs: number): HeldDelivery[] {
    const begun: HeldDelivery[] = [];
    for (const [id, endpoint] of this.endpoints) {
      if (this.calls >= handLimits.calls) break;
      if (endpoint.waiting.length === 0 || endpoint.calls >= this.shareOf(endpoint)) continue;
      endpoint.calls += 1;
      endpoint.usedAtMs = nowMs;
      this.calls += 1;
      begun.push(endpoint.waiting.shift()!);
      // To the end of the line, where it is come by again: else those behind would never have their turn while the first ones have
      // enough for all calls.
      this.endpoints.delete(id);
      this.endpoints.set(id, endpoint);
    }
    return begun;
  }

  /** A call is over: its place is free, though its outcome is still to be recorded. */
  called({ delivery }: HeldDelivery, result: CallResult, nowMs: number): void {
    const endpoint = this.endpointOf(delivery, nowMs);
    endpoint.calls -= 1;
    this.calls -= 1;
    if (result === 'none') return;
    endpoint.isProven = result === 'well';
    endpoint.callsMax =
      result === 'well' ? Math.min(endpoint.callsMax + 1, endpointCalls.max) : Math.max(1, endpoint.callsMax >> 1);
  }

  /** It is recorded, given back or lost: no longer ours. */
  drop({ delivery }: HeldDelivery): void {
    if (!this.held.delete(delivery.delivery_id)) return;
    if (delivery.attempts > 0) this.triedInHand -= 1;
  }

  /** What will not be ours at that moment unless its lease is extended. */
  expiringBefore(ms: number): HeldDelivery[] {
    return [...this.held.values()].filter(({ leaseUntilMs }) => leaseUntilMs < ms);
  }

  /** Takes out everything whose call has not begun. */
  removeWaiting(): HeldDelivery[] {
    const removed: HeldDelivery[] = [];
    for (const { waiting } of this.endpoints.values()) removed.push(...waiting.splice(0));
    for (const one of removed) this.drop(one);
    return removed;
  }

  private endpointOf({ endpoint_id: id }: ClaimedDelivery, nowMs: number): Endpoint {
    const known = this.endpoints.get(id);
    if (known) {
      known.usedAtMs = nowMs;
      return known;
    }
    const made = { calls: 0, callsMax: endpointCalls.first, isProven: false, waiting: [], usedAtMs: nowMs };
    this.endpoints.set(id, made);
    return made;
  }

  /** However many hang: each holds no more than its part of all calls. */
  private shareOf({ callsMax }: Endpoint): number {
    return Math.max(1, Math.min(callsMax, Math.floor(handLimits.calls / this.endpoints.size)));
  }

  private forget(nowMs: number): void {
    for (const [id, { calls, waiting, usedAtMs }] of this.endpoints)
      if (calls === 0 && waiting.length === 0 && usedAtMs < nowMs - forgottenAfterMs) this.endpoints.delete(id);
  }
}
