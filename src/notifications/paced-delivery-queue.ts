import type { Database, Signal } from '../platform';
import type { ClaimedDelivery } from './delivery';
import type { DeliveryMetrics } from './delivery.metrics';
import { type ClaimLimits, DeliveryQueue, type Room } from './delivery-queue.store';
import type { EndpointRateStore, RateSlice } from './endpoint-rate.store';

/** Before looking again for a slice: slices come continuously, and a claim should be worth its statement. */
const againMinMs = 20;

export interface PacedParts {
  database: Database;
  withTraces: boolean;
  rates: Pick<EndpointRateStore, 'rateOf' | 'take' | 'settle'>;
  /** Raised here when there is a next slice. */
  planned: Pick<Signal, 'raiseHere'>;
  metrics: Pick<DeliveryMetrics, 'paced'>;
}

/**
 * Claims no more of an endpoint that has a rate than this process has got a slice for; who waits for one has not been tried. Of such
 * an endpoint nothing is claimed ahead, so that what is claimed is called at once.
 */
export class PacedDeliveryQueue extends DeliveryQueue {
  private timer?: NodeJS.Timeout;

  constructor(private readonly parts: PacedParts) {
    super(parts.database, parts.withTraces);
  }

  override async claimDue(now: Date, limits: ClaimLimits, leaseMs: number): Promise<ClaimedDelivery[]> {
    const calls = new Map([...limits.rooms].map(([id, room]) => [id, Math.min(room.size, room.calls)]));
    const slices = await this.parts.rates.take(now, calls, limits.room);
    const claimed = await super.claimDue(now, { ...limits, rooms: narrowed(limits.rooms, slices) }, leaseMs);
    await this.settle(slices, claimed);
    this.lookAgain(slices);
    return claimed;
  }

  /**
   * Usually all of a slice is used. Used beyond it: the probe of a broken endpoint, which goes out whatever was granted, and what was
   * claimed of an endpoint that was not there yet when the slices were taken.
   */
  private async settle(slices: readonly RateSlice[], claimed: readonly ClaimedDelivery[]): Promise<void> {
    const { rates } = this.parts;
    const unused = new Map(
      slices.map(({ endpoint_id: id, rate, granted }) => [id, { endpoint_id: id, rate, unused: granted }]),
    );
    for (const { endpoint_id: id, client_id: clientId } of claimed) {
      const rate = rates.rateOf(clientId);
      if (rate === undefined) continue;
      const before = unused.get(id)?.unused ?? 0;
      unused.set(id, { endpoint_id: id, rate, unused: before - 1 });
    }
    const unsettled = [...unused.values()].filter(({ unused: count }) => count !== 0);
    if (unsettled.length > 0) await rates.settle(unsettled);
  }

  private lookAgain(slices: readonly RateSlice[]): void {
    clearTimeout(this.timer);
    const waiting = slices.filter(({ again_in_ms: inMs }) => inMs !== null);
    if (waiting.length === 0) return;
    const without = waiting.filter(({ granted }) => granted === 0);
    for (const clientId of new Set(without.map(({ client_id }) => client_id))) this.parts.metrics.paced(clientId);
    const soonestMs = Math.min(...waiting.map(({ again_in_ms: inMs }) => inMs!));
    this.timer = setTimeout(() => this.parts.planned.raiseHere(), Math.max(againMinMs, soonestMs));
    this.timer.unref();
  }
}

function narrowed(rooms: ClaimLimits['rooms'], slices: readonly RateSlice[]): Map<number, Room> {
  const narrow = new Map(rooms);
  for (const { endpoint_id: id, granted } of slices) {
    const room = rooms.get(id);
    narrow.set(id, { size: granted, calls: granted, isProven: room?.isProven ?? false });
  }
  return narrow;
}
