import { inNewestForm, type LogAccess, type ParkedStreamStore, positionText } from '../event-store';
import { isSubscriptionEvent } from '../subscriptions';
import { type ProjectionStore, readerOf } from './projection.store';
import type { SubscriptionView } from './subscription.projection';
import { fold } from './subscription.projector';
import { subscriptions, type SubscriptionViewStore } from './subscription-view.store';

/** Streams, and rows, that one comparison takes by chance. */
const sampleSize = 200;

/** One subscription of the sample that is not shown as the log has it. */
export interface Difference {
  subscription_id: string;
  /** `missing`: the view has no row; `surplus`: the log knows no such subscription. */
  problem: 'differs' | 'missing' | 'surplus';
  fields: string[];
}

export interface Comparison {
  version: number;
  position: string;
  /** Subscriptions compared. */
  checked: number;
  differing: Difference[];
}

/** Compares a sample of the live subscription view with a fresh fold of the streams behind it. */
export class ProjectionCheck {
  private readonly parked: ParkedStreamStore;

  constructor(
    private readonly access: LogAccess,
    private readonly projections: ProjectionStore,
    private readonly views: SubscriptionViewStore,
  ) {
    this.parked = access.parked;
  }

  /** All of it about one moment and as far as the view has come then, so that what is still on its way is no difference. */
  compare(): Promise<Comparison> {
    return this.access.database.snapshot(async (queries) => {
      const { histories, upcast } = this.access;
      const state = await this.projections.find(subscriptions, queries);
      if (!state) throw new Error(`The projection ${subscriptions} is not in the database.`);
      const { live_slot: slot, live_version: version } = state;
      const position = await this.projections.position(subscriptions, queries);
      // Rows as well as streams, for a row may have no stream behind it.
      const rows = await this.views.sample(slot, sampleSize, queries);
      const streams = await histories.sampleStreams(sampleSize, queries);
      const streamIds = [...new Set([...streams, ...rows.map((row) => row.stream_id)])];
      const parked = await this.parked.of(readerOf(subscriptions, slot), queries);
      const events = (await histories.streamsUntil(streamIds, position, queries)).filter(
        (event) => event.version < (parked.get(event.stream_id) ?? Infinity),
      );
      const expected = fold(events.map((event) => inNewestForm(event, upcast)).filter(isSubscriptionEvent));
      const ids = [...new Set([...expected.keys(), ...rows.map((row) => row.subscription_id)])];
      const shown = await this.views.viewsOf(slot, ids, queries);
      const differing = ids.flatMap((id) => difference(id, shown.get(id), expected.get(id)));
      return { version, position: positionText(position), checked: ids.length, differing };
    });
  }
}

function difference(id: string, shown?: SubscriptionView, expected?: SubscriptionView): Difference[] {
  if (!shown) return [{ subscription_id: id, problem: 'missing', fields: [] }];
  if (!expected) return [{ subscription_id: id, problem: 'surplus', fields: [] }];
  const names = Object.keys(expected) as (keyof SubscriptionView)[];
  const fields = names.filter((name) => text(shown[name]) !== text(expected[name]));
  return fields.length === 0 ? [] : [{ subscription_id: id, problem: 'differs', fields }];
}

function text(value: string | number | Date | null): string {
  return value instanceof Date ? value.toISOString() : String(value);
}
