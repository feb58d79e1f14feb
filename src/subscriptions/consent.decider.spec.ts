import { describe, it } from '@jest/globals';
import { expired, firstId, noon, party, secondId, started, suspended, terminated } from '../../test/support/builders';
import { reapprove, resume, subscribe, takeUp, terminate, today } from '../../test/support/commands';
import { event, given } from '../../test/support/given';

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
