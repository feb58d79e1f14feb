import { describe, expect, it } from '@jest/globals';
import {
  adjusted,
  expired,
  firstId,
  noon,
  party,
  secondId,
  started,
  suspended,
  terminated,
} from '../../test/support/builders';
import { adjust, resume, subscribe, suspend, terminate, today } from '../../test/support/commands';
import { event, given } from '../../test/support/given';

describe('a subscription that does not exist', () => {
  it('starts with the days granted, counted from the day of the authorization', () => {
    given()
      .when(subscribe())
      .then(
        event('started', {
          subscription_id: firstId,
          ...party,
          end_date: '2026-08-28',
          interface_version: '3.0.0',
          authorization_id: 'a-2',
          authorized_at: today.toISOString(),
        }),
      );
  });

  it('counts calendar days across the nights in which the clock changes', () => {
    const spring = new Date('2026-03-28T23:30:00+01:00');
    given()
      .when(subscribe({ now: spring, authorizedAt: spring, grantedDays: 1 }))
      .then(event('started', { end_date: '2026-03-29' }));
    const autumn = new Date('2026-10-24T23:30:00+02:00');
    given()
      .when(subscribe({ now: autumn, authorizedAt: autumn, grantedDays: 2 }))
      .then(event('started', { end_date: '2026-10-26' }));
  });

  it('takes the day in Amsterdam, not the day in UTC', () => {
    const justAfterMidnight = new Date('2026-06-30T22:30:00Z');
    given()
      .when(subscribe({ now: justAfterMidnight, authorizedAt: justAfterMidnight, grantedDays: 1 }))
      .then(event('started', { end_date: '2026-07-02' }));
  });

  it('cannot be ended', () => {
    given().when(terminate()).thenRefused('not_subscribed');
  });

  it('cannot be adjusted, suspended or resumed', () => {
    given().when(adjust('2026-06-01')).thenRefused('not_subscribed');
    given().when(suspend('operator')).thenRefused('not_subscribed');
    given().when(resume('operator')).thenRefused('not_subscribed');
  });
});

describe('an active subscription', () => {
  it.each([
    ['shorter', 90, '2026-05-30'],
    ['longer', 200, '2026-09-17'],
  ])('is made %s by subscribing again', (_what, grantedDays, endDate) => {
    given(started())
      .when(subscribe({ grantedDays }))
      .then(
        event('adjusted', {
          subscription_id: firstId,
          end_date: endDate,
          previous_end_date: '2026-07-01',
          authorization_id: 'a-2',
        }),
      );
  });

  it('is left as it is when the end date is the present one', () => {
    given(started({ end_date: '2026-08-28' }))
      .when(subscribe())
      .thenNothing();
    given(started()).when(adjust('2026-07-01')).thenNothing();
  });

  it('ends on the day on which the person agrees to end it', () => {
    given(started())
      .when(terminate())
      .then(
        event('terminated', {
          subscription_id: firstId,
          end_date: '2026-03-01',
          previous_end_date: '2026-07-01',
          reason: 'person',
          authorization_id: 'a-2',
          authorized_at: today.toISOString(),
        }),
      );
  });

  it.each(['provider', 'operator', 'client_endpoint', 'client_delisted', 'service_withdrawn', 'erased'] as const)(
    'is ended for the reason %s, which the event says',
    (reason) => {
      given(started())
        .when({ type: 'Terminate', reason, subscriptionId: firstId, now: today })
        .then(event('terminated', { reason, end_date: '2026-03-01' }));
    },
  );

  it('expires at 00:00 in Amsterdam on its end date, and not a second before', () => {
    given(started())
      .when({ type: 'Expire', now: new Date('2026-06-30T21:59:59.999Z') })
      .thenNothing();
    given(started())
      .when({ type: 'Expire', now: new Date('2026-06-30T22:00:00Z') })
      .then(event('expired', { end_date: '2026-07-01', reason: 'expired' }));
  });

  it('can always be shortened by the client, and lengthened within the grant', () => {
    given(started())
      .when(adjust('2026-04-01', { grantedDays: 14 }))
      .then(event('adjusted', { end_date: '2026-04-01' }));
    given(started())
      .when(adjust('2026-12-31'))
      .then(event('adjusted', { end_date: '2026-12-31' }));
    given(started()).when(adjust('2027-01-01')).thenRefused('end_date_beyond_grant');
  });

  it('is ended by an end date of today, and refuses one in the past', () => {
    given(started())
      .when(adjust('2026-03-01'))
      .then(event('terminated', { end_date: '2026-03-01', reason: 'person', authorized_at: today.toISOString() }));
    given(started()).when(adjust('2026-02-28')).thenRefused('end_date_in_past');
  });

  it('can be suspended', () => {
    given(started())
      .when(suspend('provider'))
      .then(event('suspended', { reason: 'provider', end_date: '2026-07-01' }));
  });
});

describe('a subscription that has ended', () => {
  it('is not ended again', () => {
    given(started(), terminated()).when(terminate()).thenNothing();
    given(started(), expired())
      .when(terminate({ now: noon('2026-07-02'), authorizedAt: noon('2026-07-02') }))
      .thenNothing();
    given(started(), terminated())
      .when({ type: 'Expire', now: noon('2026-09-01') })
      .thenNothing();
  });

  it('tells operators and providers that there is nothing to end', () => {
    given(started(), terminated())
      .when({ type: 'Terminate', reason: 'operator', now: today })
      .thenRefused('not_subscribed');
  });

  it('is never revived: subscribing starts the next one', () => {
    given(started(), terminated())
      .when(subscribe())
      .then(event('started', { subscription_id: secondId, end_date: '2026-08-28' }));
    given(started(), expired())
      .when(subscribe({ now: noon('2026-07-01'), authorizedAt: noon('2026-07-01') }))
      .then(event('started', { subscription_id: secondId }));
  });

  it('is left alone by an ending meant for it that comes after the next one began', () => {
    given(started(), terminated(), started({ subscription_id: secondId }))
      .when({ type: 'Terminate', reason: 'client_endpoint', subscriptionId: firstId, now: today })
      .thenNothing();
  });
});

describe('a subscription whose end date has come unnoticed', () => {
  const late = noon('2026-07-03');

  it('is first recorded as expired, then what was asked happens', () => {
    given(started())
      .when(subscribe({ now: late, authorizedAt: late }))
      .then(
        event('expired', { subscription_id: firstId, end_date: '2026-07-01' }),
        event('started', { subscription_id: secondId }),
      );
  });

  it('is recorded as expired by an ending, and nothing else', () => {
    given(started(), adjusted({ end_date: '2026-07-02' }))
      .when(terminate({ now: late, authorizedAt: late }))
      .then(event('expired', { end_date: '2026-07-02' }));
  });

  it('is not recorded as anything by a request that is refused', () => {
    given(started())
      .when(subscribe({ now: late, authorizedAt: noon('2026-01-01') }))
      .thenRefused('authorization_stale');
  });
});

describe('an end date moved by the client', () => {
  it('goes no further than the person agreed to last, though an older grant allows it', () => {
    const past = started({ authorized_at: noon('2026-03-02').toISOString() });
    given(past).when(adjust('2026-08-01')).thenRefused('authorization_stale');
    given(past)
      .when(adjust('2026-06-01'))
      .then(event('adjusted', { end_date: '2026-06-01' }));
  });

  it('in the past is refused while suspended as everything else is', () => {
    given(started(), suspended()).when(adjust('2026-02-28')).thenRefused('client_suspended');
  });
});

describe('an ending that names its subscription', () => {
  it('overtakes, when it is the person who ends it, what was agreed to before', () => {
    given(started())
      .when({ type: 'Terminate', reason: 'person', subscriptionId: firstId, now: today })
      .then(event('terminated', { reason: 'person', end_date: '2026-03-01', authorized_at: today.toISOString() }));
  });

  it('is never refused to the person for a clock that was ahead', () => {
    given(started({ authorized_at: new Date(today.getTime() + 200_000).toISOString() }))
      .when({ type: 'Terminate', reason: 'person', subscriptionId: firstId, now: today })
      .then(event('terminated', { reason: 'person' }));
  });

  it('tells operators that it is over when the next one has begun', () => {
    given(started(), terminated(), started({ subscription_id: secondId }))
      .when({ type: 'Terminate', reason: 'operator', subscriptionId: firstId, now: today })
      .thenRefused('not_subscribed');
  });
});

describe('the given helper', () => {
  it('fails when events, silence or a refusal are expected and something else happens', () => {
    expect(() => given().when(subscribe()).thenNothing()).toThrow();
    expect(() => given().when(subscribe()).thenRefused('not_subscribed')).toThrow();
    expect(() =>
      given()
        .when(subscribe())
        .then(event('started', { end_date: '2026-08-29' })),
    ).toThrow();
    expect(() => given(started()).when(adjust('2026-07-01')).then(event('adjusted', {}))).toThrow();
    expect(() => given().when(terminate()).thenRefused('authorization_stale')).toThrow();
  });
});
