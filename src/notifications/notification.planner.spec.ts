import { describe, expect, it } from '@jest/globals';
import {
  adjusted,
  expired,
  firstId,
  resumed,
  started,
  stored,
  suspended,
  terminated,
} from '../../test/support/builders';
import { plan } from './notification.planner';

describe('the client is told', () => {
  it.each([
    ['a start', started(), true, '2026-07-01'],
    ['an adjustment', adjusted(), false, '2026-08-01'],
    ['an ending', terminated(), false, '2026-03-01'],
    ['an expiry', expired(), false, '2026-07-01'],
  ] as const)('of %s, with the end date that holds now', (_what, event, starts, endDate) => {
    const fact = stored(event, 3);
    expect(plan(fact)).toMatchObject({
      kind: 'notify',
      starts,
      notification: {
        delivery_id: fact.event_id,
        subscription_id: firstId,
        sequence: 3,
        client_id: 'app.example',
        notification_type: 'subscription',
        end_date: endDate,
        correlation_id: 'conversation',
      },
    });
  });

  it.each([
    ['a suspension', 'suspend', suspended()],
    ['a resumption', 'resume', resumed()],
  ] as const)('nothing of %s, which holds for its resource notifications', (_what, kind, event) => {
    expect(plan(stored(event, 4))).toEqual({ kind, subscriptionId: firstId, sequence: 4 });
  });

  it('nothing more once it has said that it does not know the subscription', () => {
    expect(plan(stored(terminated({ reason: 'client_endpoint' }), 2))).toEqual({
      kind: 'silence',
      subscriptionId: firstId,
      sequence: 2,
    });
  });
});
