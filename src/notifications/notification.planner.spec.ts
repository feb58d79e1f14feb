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
    ['a suspension', suspended()],
    ['a resumption', resumed()],
  ])('nothing of %s', (_what, event) => {
    expect(plan(stored(event))).toEqual({ kind: 'nothing' });
  });

  it('nothing more once it has said that it does not know the subscription', () => {
    expect(plan(stored(terminated({ reason: 'client_endpoint' })))).toEqual({
      kind: 'silence',
      subscriptionId: firstId,
    });
  });
});
