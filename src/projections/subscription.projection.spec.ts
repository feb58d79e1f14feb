import { describe, expect, it } from '@jest/globals';
import {
  adjusted,
  expired,
  firstId,
  noon,
  party,
  resumed,
  started,
  stored,
  streamId,
  suspended,
  terminated,
} from '../../test/support/builders';
import type { SubscriptionEvent } from '../subscriptions';
import { project, type SubscriptionView } from './subscription.projection';

const begin = noon('2026-01-02');
const later = noon('2026-03-01');

/** The view after these events, the first at `begin`, the others at `later`. */
function viewOf(...events: SubscriptionEvent[]): SubscriptionView {
  const stream = events.map((event, index) => stored(event, index + 1, index === 0 ? begin : later));
  return stream.reduce<SubscriptionView | undefined>(project, undefined)!;
}

describe('the view of a subscription', () => {
  it('begins with everything its start says', () => {
    expect(viewOf(started())).toEqual({
      subscription_id: firstId,
      stream_id: streamId,
      ...party,
      status: 'active',
      end_date: '2026-07-01',
      interface_version: '3.0.0',
      version: 1,
      started_at: begin,
      updated_at: begin,
      end_reason: null,
      suspended_by: null,
    });
  });

  it('keeps its start and takes the end date of an adjustment', () => {
    expect(viewOf(started(), adjusted())).toMatchObject({
      status: 'active',
      end_date: '2026-08-01',
      version: 2,
      started_at: begin,
      updated_at: later,
    });
  });

  it.each(['person', 'provider', 'operator', 'client_endpoint', 'client_delisted', 'service_withdrawn', 'erased'])(
    'says that it was ended for the reason %s',
    (reason) => {
      expect(viewOf(started(), terminated({ reason }))).toMatchObject({ status: 'terminated', end_reason: reason });
    },
  );

  it('says that it expired', () => {
    expect(viewOf(started(), expired())).toMatchObject({
      status: 'expired',
      end_reason: 'expired',
      end_date: '2026-07-01',
    });
  });

  it('says who suspended it, until it is resumed or ended', () => {
    expect(viewOf(started(), suspended())).toMatchObject({ status: 'suspended', suspended_by: 'operator' });
    const withdrawn = suspended({ reason: 'service_withdrawn' });
    expect(viewOf(started(), withdrawn)).toMatchObject({ status: 'suspended', suspended_by: 'provider' });
    expect(viewOf(started(), suspended(), adjusted())).toMatchObject({ status: 'suspended', suspended_by: 'operator' });
    expect(viewOf(started(), suspended(), resumed())).toMatchObject({ status: 'active', suspended_by: null });
    expect(viewOf(started(), suspended(), terminated())).toMatchObject({ status: 'terminated', suspended_by: null });
  });

  it('is not changed by an event that it has seen already', () => {
    const view = viewOf(started(), adjusted());
    expect(project(view, stored(started(), 1, begin))).toBe(view);
    expect(project(view, stored(adjusted({ end_date: '2026-09-09' }), 2, later))).toBe(view);
  });
});
