import { describe, expect, it } from '@jest/globals';
import {
  adjusted,
  expired,
  firstId,
  noon,
  party,
  secondId,
  started,
  streamId,
  suspended,
  terminated,
} from '../../test/support/builders';
import { given } from '../../test/support/given';
import type { Adjust, Reapprove, Resume, Subscribe, Suspend, TakeUp, Terminate } from './subscription.commands';

const today = noon('2026-03-01');

const subscribe = (changes: Partial<Subscribe> = {}): Subscribe => ({
  type: 'Subscribe',
  party,
  streamId,
  interfaceVersion: '3.0.0',
  grantedDays: 180,
  authorizationId: 'a-2',
  authorizedAt: changes.now ?? today,
  now: today,
  ...changes,
});
const terminate = (changes: Partial<Terminate> = {}): Terminate => ({
  type: 'Terminate',
  reason: 'person',
  authorizedAt: today,
  authorizationId: 'a-2',
  now: today,
  ...changes,
});
const adjust = (endDate: string, changes: Partial<Adjust> = {}): Adjust => ({
  type: 'Adjust',
  subscriptionId: firstId,
  endDate,
  // Up to and including 2026-12-31.
  grantedDays: 305,
  authorizedAt: today,
  now: today,
  ...changes,
});
const takeUp = (changes: Partial<TakeUp> = {}): TakeUp => ({ ...subscribe(), ...changes, type: 'TakeUp' });
const reapprove = (changes: Partial<Reapprove> = {}): Reapprove => ({
  type: 'Reapprove',
  authorizationId: 'a-2',
  authorizedAt: today,
  now: today,
  ...changes,
});
const resume = (by: Resume['by']): Resume => ({ type: 'Resume', subscriptionId: firstId, by, now: today });
const suspend = (by: Suspend['by']): Suspend => ({ type: 'Suspend', subscriptionId: firstId, by, now: today });

const event = (name: string, data: Record<string, unknown>) =>
  ({ type: `nl.medmij.subscription.${name}.v1`, data }) as Parameters<
    ReturnType<ReturnType<typeof given>['when']>['then']
  >[0];

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

describe('an authorization', () => {
  it('may come from up to five minutes ahead of our clock, and no further', () => {
    const ahead = (ms: number) => subscribe({ authorizedAt: new Date(today.getTime() + ms) });
    given().when(ahead(300_000)).then(event('started', {}));
    given().when(ahead(300_001)).thenRefused('authorization_stale');
    given(started())
      .when(terminate({ authorizedAt: new Date(today.getTime() + 300_001) }))
      .thenRefused('authorization_stale');
  });

  it('means what the person agreed to when it was delayed', () => {
    given()
      .when(subscribe({ authorizedAt: noon('2026-02-25'), grantedDays: 10 }))
      .then(event('started', { end_date: '2026-03-07' }));
    given(started())
      .when(terminate({ authorizedAt: noon('2026-02-25') }))
      .then(event('terminated', { end_date: '2026-02-25' }));
  });

  it('is stale when the end date it gives has come already', () => {
    given()
      .when(subscribe({ authorizedAt: noon('2026-02-26'), grantedDays: 3 }))
      .thenRefused('authorization_stale');
    given()
      .when(subscribe({ authorizedAt: noon('2026-02-26'), grantedDays: 4 }))
      .then(event('started', { end_date: '2026-03-02' }));
  });

  it('is stale when a later one was applied, and not when one of the same moment was', () => {
    const past = started({ authorized_at: noon('2026-02-10').toISOString() });
    given(past)
      .when(subscribe({ authorizedAt: noon('2026-02-09') }))
      .thenRefused('authorization_stale');
    given(past)
      .when(terminate({ authorizedAt: noon('2026-02-09') }))
      .thenRefused('authorization_stale');
    given(past)
      .when(subscribe({ authorizedAt: noon('2026-02-10') }))
      .then(event('adjusted', {}));
  });

  it('is stale when the person has ended the subscription since, through whichever door', () => {
    given(started(), terminated({ authorized_at: noon('2026-02-20').toISOString() }))
      .when(subscribe({ authorizedAt: noon('2026-02-19') }))
      .thenRefused('authorization_stale');
  });

  it('is not overtaken by what others did', () => {
    given(started(), terminated({ reason: 'provider' }))
      .when(subscribe({ authorizedAt: noon('2026-02-28') }))
      .then(event('started', { subscription_id: secondId }));
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

describe('a suspended subscription', () => {
  it('is resumed by fresh consent, then adjusted', () => {
    given(started(), suspended())
      .when(subscribe())
      .then(
        event('resumed', { reason: 'person', end_date: '2026-07-01' }),
        event('adjusted', { end_date: '2026-08-28' }),
      );
  });

  it('is only resumed when the fresh consent gives the present end date', () => {
    given(started({ end_date: '2026-08-28' }), suspended({ end_date: '2026-08-28' }))
      .when(subscribe())
      .then(event('resumed', { reason: 'person' }));
  });

  it('can be ended and shortened, whoever suspended it', () => {
    for (const reason of ['provider', 'operator']) {
      given(started(), suspended({ reason }))
        .when(terminate())
        .then(event('terminated', { reason: 'person' }));
      given(started(), suspended({ reason }))
        .when(adjust('2026-06-01'))
        .then(event('adjusted', { end_date: '2026-06-01' }));
      given(started(), suspended({ reason })).when(adjust('2026-09-01')).thenRefused('client_suspended');
    }
  });

  it('stays as it is when suspended again, and an active one when resumed', () => {
    given(started(), suspended()).when(suspend('provider')).thenNothing();
    given(started()).when(resume('operator')).thenNothing();
  });

  it('expires like any other', () => {
    given(started(), suspended())
      .when({ type: 'Expire', now: noon('2026-07-01') })
      .then(event('expired', { end_date: '2026-07-01' }));
  });
});

describe('a subscription whose service is withdrawn', () => {
  const rests = [started(), suspended({ reason: 'service_withdrawn' })];

  it('is suspended, and resumes when the service is offered again, whatever holds for the client', () => {
    given(started())
      .when(suspend('service_withdrawn'))
      .then(event('suspended', { reason: 'service_withdrawn' }));
    for (const clientIsSuspended of [false, true])
      given(...rests)
        .when({ ...resume('service_offered'), clientIsSuspended })
        .then(event('resumed', { reason: 'service_offered' }));
    given(...rests)
      .when(suspend('service_withdrawn'))
      .thenNothing();
  });

  it('is resumed by nobody else but the person with fresh consent, which the lists allow once the service is back', () => {
    for (const by of ['provider', 'operator', 'person'] as const)
      given(...rests)
        .when(resume(by))
        .thenRefused('service_not_offered');
    given(...rests)
      .when(reapprove())
      .thenNothing();
    given(...rests)
      .when(subscribe({ grantedDays: 122 }))
      .then(event('resumed', { reason: 'person' }));
  });

  it.each(['provider', 'operator'] as const)('stays suspended when the service is back if a %s suspended it', (by) => {
    given(...rests)
      .when(suspend(by))
      .then(event('suspended', { reason: by }));
    for (const past of [
      [started(), suspended({ reason: by })],
      [...rests, suspended({ reason: by })],
    ]) {
      given(...past)
        .when(suspend('service_withdrawn'))
        .thenNothing();
      given(...past)
        .when(resume('service_offered'))
        .thenNothing();
    }
  });

  it('is ended when the service stays away, whoever suspended it', () => {
    for (const past of [rests, [started(), suspended()]])
      given(...past)
        .when({ type: 'Terminate', reason: 'service_withdrawn', subscriptionId: firstId, now: today })
        .then(event('terminated', { reason: 'service_withdrawn', end_date: '2026-03-01' }));
  });
});

describe('a subscription whose whole client is suspended', () => {
  const now = { clientIsSuspended: true };

  it('does not begin, by whichever door', () => {
    for (const past of [[], [started(), terminated()]]) {
      given(...past)
        .when({ ...subscribe(), ...now })
        .thenRefused('client_suspended');
      given(...past)
        .when({ ...takeUp(), ...now })
        .thenRefused('client_suspended');
    }
  });

  it('is refused only after the time rule, for another door may have been first', () => {
    given()
      .when({ ...subscribe({ authorizedAt: noon('2026-03-02') }), ...now })
      .thenRefused('authorization_stale');
    given()
      .when({ ...subscribe({ authorizedAt: noon('2024-03-02') }), ...now })
      .thenRefused('authorization_stale');
  });

  it.each([
    ['active', [started()]],
    ['suspended by itself too', [started(), suspended()]],
  ])('may be shortened and ended, and nothing else: %s', (_how, past) => {
    given(...past)
      .when({ ...subscribe(), ...now })
      .thenRefused('client_suspended');
    given(...past)
      .when({ ...subscribe({ grantedDays: 122 }), ...now })
      .thenRefused('client_suspended');
    given(...past)
      .when({ ...subscribe({ grantedDays: 60 }), ...now })
      .then(event('adjusted', { end_date: '2026-04-30' }));
    given(...past)
      .when({ ...takeUp(), ...now })
      .thenRefused('client_suspended');
    given(...past)
      .when({ ...takeUp({ grantedDays: 60 }), ...now })
      .then(event('adjusted', { end_date: '2026-04-30' }));
    given(...past)
      .when({ ...adjust('2026-09-01'), ...now })
      .thenRefused('client_suspended');
    given(...past)
      .when({ ...adjust('2026-06-01'), ...now })
      .then(event('adjusted', { end_date: '2026-06-01' }));
    given(...past)
      .when({ ...terminate(), ...now })
      .then(event('terminated', { reason: 'person' }));
    given(...past)
      .when({ type: 'Expire', now: noon('2026-07-01'), ...now })
      .then(event('expired', {}));
  });

  it('is resumed with the client, not by the person and not by itself', () => {
    for (const past of [[started()], [started(), suspended()]]) {
      given(...past)
        .when({ ...reapprove(), ...now })
        .thenNothing();
      for (const by of ['person', 'provider', 'operator'] as const)
        given(...past)
          .when({ ...resume(by), ...now })
          .thenRefused('client_suspended');
    }
  });

  it('may be suspended by itself as well, and stays so when the client goes on', () => {
    given(started())
      .when({ ...suspend('operator'), ...now })
      .then(event('suspended', { reason: 'operator' }));
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

describe('a grant that the client takes up', () => {
  const authorized = { authorization_id: 'a-2', authorized_at: today.toISOString(), interface_version: '3.0.0' };

  it('starts a subscription for all that was granted, or for less', () => {
    given()
      .when(takeUp())
      .then(event('started', { subscription_id: firstId, ...party, end_date: '2026-08-28', ...authorized }));
    given()
      .when(takeUp({ endDate: '2026-03-02' }))
      .then(event('started', { end_date: '2026-03-02', ...authorized }));
    given(started(), expired())
      .when(takeUp({ now: noon('2026-07-02'), authorizedAt: noon('2026-07-02') }))
      .then(event('started', { subscription_id: secondId }));
  });

  it('counts its days from the day of the consent, though it is taken up after midnight', () => {
    const [consent, midnight] = [new Date('2026-02-28T22:58:00Z'), new Date('2026-02-28T23:01:00Z')];
    given()
      .when(takeUp({ authorizedAt: consent, now: midnight }))
      .then(event('started', { end_date: '2026-08-27' }));
    given()
      .when(takeUp({ authorizedAt: consent, now: midnight, endDate: '2026-08-28' }))
      .thenRefused('end_date_beyond_grant');
    given()
      .when(takeUp({ authorizedAt: consent, now: midnight, grantedDays: 1 }))
      .thenRefused('authorization_stale');
  });

  it('starts nothing beyond what was granted, in the past, or that would be over at once', () => {
    given()
      .when(takeUp({ endDate: '2026-08-29' }))
      .thenRefused('end_date_beyond_grant');
    given()
      .when(takeUp({ endDate: '2026-02-28' }))
      .thenRefused('end_date_in_past');
    given()
      .when(takeUp({ endDate: '2026-03-01' }))
      .thenRefused('not_subscribed');
  });

  it('changes the subscription there is, which an end date of today ends', () => {
    given(started())
      .when(takeUp())
      .then(event('adjusted', { subscription_id: firstId, end_date: '2026-08-28', ...authorized }));
    given(started())
      .when(takeUp({ endDate: '2026-03-01' }))
      .then(event('terminated', { end_date: '2026-03-01', reason: 'person', authorized_at: today.toISOString() }));
    given(started())
      .when(takeUp({ endDate: '2026-07-01' }))
      .thenNothing();
  });

  it('is stale once a later one was applied or the person has ended the subscription since', () => {
    given(started({ authorized_at: noon('2026-03-02').toISOString() }))
      .when(takeUp())
      .thenRefused('authorization_stale');
    given(started(), terminated({ authorized_at: noon('2026-03-02').toISOString() }))
      .when(takeUp({ now: noon('2026-03-02') }))
      .thenRefused('authorization_stale');
  });

  it('does not resume what was suspended after the consent, and only shortens or ends it', () => {
    for (const reason of ['provider', 'operator']) {
      const past = [started(), suspended({ reason })];
      given(...past)
        .when(takeUp())
        .thenRefused('client_suspended');
      given(...past)
        .when(takeUp({ endDate: '2026-02-28' }))
        .thenRefused('client_suspended');
      given(...past)
        .when(takeUp({ authorizedAt: noon('2025-12-31'), endDate: '2027-12-31' }))
        .thenRefused('client_suspended');
      given(...past)
        .when(takeUp({ grantedDays: 60 }))
        .then(event('adjusted', { end_date: '2026-04-30' }));
    }
  });
});

describe('a re-approval', () => {
  it.each(['provider', 'operator'])('resumes at once what a %s has suspended', (reason) => {
    given(started(), suspended({ reason }))
      .when(reapprove())
      .then(
        event('resumed', {
          reason: 'person',
          end_date: '2026-07-01',
          authorization_id: 'a-2',
          authorized_at: today.toISOString(),
        }),
      );
    given(started(), suspended({ reason }))
      .when(resume('person'))
      .then(event('resumed', { reason: 'person', end_date: '2026-07-01' }));
  });

  it('changes nothing where nothing is suspended', () => {
    given().when(reapprove()).thenNothing();
    given(started()).when(reapprove()).thenNothing();
    given(started(), suspended(), terminated()).when(reapprove()).thenNothing();
  });

  it('is stale when a later authorization was applied', () => {
    given(started({ authorized_at: noon('2026-03-02').toISOString() }), suspended())
      .when(reapprove())
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
