import { describe, expect, it } from '@jest/globals';
import type { ClientHealth, Figures, MedmijList } from '../../pages/ops/items';
import { joined } from '../../pages/ops/history';
import { needsOf } from '../../pages/ops/needs';
import { ago, duration, eventName, fieldMoment, rough, toneOf, validMoment } from '../../pages/ops/words';

const calm: Figures = {
  subscriptions: { active: 5 },
  deliveries: { delivered: 9, dead: 0 },
  relay: { lag_events: 3, lag_s: 2 },
  projections: { subscriptions: { lag_events: 4, lag_s: 59 } },
  log_held_by: null,
  now: {
    at: '2026-03-01T12:00:00Z',
    seconds: 2,
    commands: 1,
    events: 1,
    outcomes: { delivered: 1, retry: 0, dead: 0, dropped: 0 },
    relay_lag_events: 3,
    projection_lag_events: 4,
    oldest_undelivered_s: 12,
  },
  clients: [],
  lists: [],
  parked_streams: 0,
  amiss: [],
};
const client = (given: Partial<ClientHealth>): ClientHealth => ({
  client_id: 'app.example',
  oldest_undelivered_s: null,
  at_risk: 0,
  breaker: 'closed',
  suspended_reason: null,
  ...given,
});
const list = (given: Partial<MedmijList>): MedmijList => ({
  name: 'whitelist',
  sequence: 1,
  published_at: null,
  fetched_at: null,
  age_s: 100,
  stale: false,
  last_refusal: null,
  ...given,
});
/** What is asked of the operator: each thing, and whether at once. */
const asked = (figures: Partial<Figures>) =>
  needsOf({ ...calm, ...figures }).map(({ what, isUrgent }) => [isUrgent, what]);

describe('the operator page', () => {
  it('asks nothing of anybody while all is well', () => {
    expect(asked({})).toEqual([]);
    expect(asked({ clients: [client({ oldest_undelivered_s: 30 })], lists: [list({})] })).toEqual([]);
  });

  const hold = { database: 'other', pid: 7, prepared: null, age_s: 65, state: 'idle', application_name: 'psql' };
  it.each<[string, Partial<Figures>, [boolean, string]]>([
    [
      'a session that holds the log back, by name',
      { log_held_by: hold },
      [true, 'The log is held back by session 7 (psql) in database other, for 1 min 5 s.'],
    ],
    [
      'a prepared transaction that does',
      { log_held_by: { ...hold, pid: null, prepared: 'forgotten' } },
      [true, 'The log is held back by the prepared transaction forgotten in database other, for 1 min 5 s.'],
    ],
    [
      'a check that is not ok',
      { amiss: [{ check: 'kafka', status: 'degraded', reason: 'no broker answers' }] },
      [true, 'kafka is degraded: no broker answers.'],
    ],
    [
      'a relay that does not get on',
      { relay: { lag_events: 1_200, lag_s: 61 } },
      [true, 'The relay is 1,200 events behind, for 1 min 1 s.'],
    ],
    [
      'a projection that does not',
      { projections: { subscriptions: { lag_events: 1, lag_s: 3_600 } } },
      [true, 'The projection subscriptions is 1 event behind, for 1 h.'],
    ],
    [
      'notifications that may miss the hour',
      { clients: [client({ at_risk: 2, breaker: 'open' })] },
      [true, '2 notifications to app.example may miss the hour.'],
    ],
    [
      'a client that is away for a long time',
      { clients: [client({ breaker: 'open', oldest_undelivered_s: 3_100 })] },
      [true, 'app.example cannot be reached, its oldest notification waits for 51 min 40 s.'],
    ],
    [
      'a client that has just gone away',
      { clients: [client({ breaker: 'open', oldest_undelivered_s: 60 })] },
      [false, 'app.example cannot be reached, its oldest notification waits for 1 min.'],
    ],
    [
      'a client whose endpoint changed',
      { clients: [client({ suspended_reason: 'endpoint_identity' })] },
      [true, 'app.example is suspended: its endpoint is not what it was.'],
    ],
    [
      'a client whose endpoints only failed',
      { clients: [client({ suspended_reason: 'endpoint_failing' })] },
      [true, 'app.example is suspended: its endpoints did nothing but fail.'],
    ],
    [
      'a stale list',
      { lists: [list({ stale: true, age_s: 90_000 })] },
      [true, 'The list whitelist is stale: 1 d 1 h old.'],
    ],
    [
      'a list that was refused',
      { lists: [list({ last_refusal: { at: '2026-03-01T12:00:00Z', line: 1, reason: 'no' } })] },
      [false, 'The last copy of the list whitelist was refused; the one before is in use.'],
    ],
    ['parked streams', { parked_streams: 1 }, [false, '1 stream is parked: a reader stumbled over an event.']],
    ['dead deliveries', { deliveries: { dead: 2 } }, [false, '2 deliveries are dead.']],
  ])('names %s', (_case, figures, need) => {
    expect(asked(figures)).toEqual([need]);
  });

  it('says nothing of a client that an operator has suspended, and the urgent first', () => {
    expect(asked({ clients: [client({ suspended_reason: 'operator', at_risk: 3 })] })).toEqual([]);
    expect(asked({ parked_streams: 2, relay: { lag_events: 5, lag_s: 100 } }).map(([isUrgent]) => isUrgent)).toEqual([
      true,
      false,
    ]);
  });

  it('says lengths of time in at most two units', () => {
    expect([0, 0.25, 9, 59.6, 61, 3_600, 7_265, 90_061].map(duration)).toEqual([
      '0 s',
      '0.3 s',
      '9 s',
      '1 min',
      '1 min 1 s',
      '1 h',
      '2 h 1 min',
      '1 d 1 h',
    ]);
    const now = Date.parse('2026-03-01T12:00:00Z');
    expect(ago('2026-03-01T11:58:00Z', now)).toBe('2 min ago');
    expect(ago('2026-03-01T12:00:30Z', now)).toBe('in 30 s');
    expect(ago('2026-03-01T12:00:00.400Z', now)).toBe('just now');
  });

  it('says what is counted of many only as well as it is known', () => {
    expect([0, 19_999, 20_000, 5_234_567].map(rough)).toEqual(['0', '19,999', 'about 20K', 'about 5.23M']);
  });

  it('fills a field with a moment in the time of the operator, and takes nothing else for one', () => {
    const at = new Date('2026-03-01T12:00:00.250Z');
    expect(new Date(fieldMoment(at)).getTime()).toBe(at.getTime() - 250);
    expect([at.toISOString(), 'yesterday', undefined].map(validMoment)).toEqual([
      at.toISOString(),
      undefined,
      undefined,
    ]);
  });

  it('joins what it heard before with the history of the process that it listens to now', () => {
    const point = (at: string) => ({ ...calm.now, at });
    const [one, two, three, four] = ['12:00', '12:01', '12:02', '12:03'].map((time) => point(`2026-03-01T${time}:00Z`));
    expect(joined([one!, two!, three!], [])).toEqual([one, two, three]);
    expect(joined([], [three!])).toEqual([three]);
    expect(joined([one!, two!, three!], [two!, four!])).toEqual([one, two, four]);
  });

  it('names events by what happened, and states it does not know without a colour', () => {
    expect(eventName('nl.medmij.subscription.started.v1')).toBe('started');
    expect([toneOf('dead'), toneOf('delivered'), toneOf('something new')]).toEqual(['bad', 'good', 'rest']);
  });
});
