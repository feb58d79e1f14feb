import { describe, it } from '@jest/globals';
import { firstId, noon, started, suspended, terminated } from '../../test/support/builders';
import { adjust, reapprove, resume, subscribe, suspend, takeUp, terminate, today } from '../../test/support/commands';
import { event, given } from '../../test/support/given';

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
